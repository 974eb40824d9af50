// Whoever runs the pieces, on however many threads and in whatever order: the same bytes.
#include "executors.hpp"

#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

template <class W>
class Executors : public testing::Test {};
TYPED_TEST_SUITE(Executors, weight_types, weight_name);

struct named_runner {
  const char* name;
  runner on;
};

std::vector<named_runner> other_executors() {
  std::vector<named_runner> all{{"three threads backwards", on_threads_backwards(3)},
                                {"odd pieces first", odd_pieces_first()}};
#ifdef _OPENMP
  for (const auto& [name, threads] :
       {std::pair{"openmp{1}", 1}, {"openmp{2}", 2}, {"openmp{5}", 5}, {"openmp{}", 0}}) {
    all.push_back({name, on_openmp(threads)});
  }
#endif
  return all;
}

TYPED_TEST(Executors, GiveTheSameBytesForEveryVerb) {
  using W = TypeParam;
  engine random(1);
  for (const auto& [rows, cols] : {std::pair{1, 700}, {16, 64}, {97, 130}, {301, 77}}) {
    const auto base = random_matrix<W>(random, rows, cols, kind::wild, 0.1f);
    const mixed_factors<revlora::bf16> adapters(random, rows, cols, 20, kind::normal, 0.1f, 1);
    const std::vector<revlora::low_rank> list = adapters.list();
    for (const path<W>& p : paths<W>()) {
      matrix<W> merged = base, subtracted = base;
      revlora::undo_record record;
      const revlora::merge_report report =
          p.merge_recorded(merged.view(), list, record, on_this_thread());
      p.subtract(subtracted.view(), list, on_this_thread());
      for (const auto& [name, on] : other_executors()) {
        SCOPED_TRACE(std::string(name) + " on " + p.name);
        matrix<W> got = base;
        ASSERT_EQ(p.merge(got.view(), list, on), report);
        ASSERT_TRUE(same_bits(merged, got));

        got = base;
        revlora::undo_record other;
        ASSERT_EQ(p.merge_recorded(got.view(), list, other, on), report);
        ASSERT_TRUE(same_bits(merged, got));
        ASSERT_TRUE(same_bytes(record.bytes(), other.bytes()));

        p.restore(got.view(), list, record, on);
        ASSERT_TRUE(same_bits(base, got));

        p.merge_recorded(got.view(), list[1], other, on);
        ASSERT_EQ(p.swap(got.view(), list[1], list, other, on).became_not_finite,
                  report.became_not_finite);
        ASSERT_TRUE(same_bits(merged, got));
        ASSERT_TRUE(same_bytes(record.bytes(), other.bytes()));
        revlora::detail::require(p.validate(got.view(), list, other, on));

        got = base;
        p.subtract(got.view(), list, on);
        ASSERT_TRUE(same_bits(subtracted, got));
      }
    }
  }
}

TYPED_TEST(Executors, RunEachPieceExactlyOnce) {
  for (const auto& [name, on] : other_executors()) {
    SCOPED_TRACE(name);
    std::vector<int> runs(1003, 0);
    on.parallel_for(1003, [&](std::ptrdiff_t i) { ++runs[static_cast<std::size_t>(i)]; });
    EXPECT_EQ(runs, std::vector<int>(1003, 1));
    on.parallel_for(0, [](std::ptrdiff_t) { FAIL() << "a piece of nothing"; });
  }
}

}  // namespace
}  // namespace tests
