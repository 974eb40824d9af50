// From a matrix that is only read to another one: the bits that the same verb gives in place.
#include "executors.hpp"
#include "paths.hpp"
#include "refusal.hpp"

#if defined(__unix__)
#include <sys/mman.h>
#endif

namespace tests {
namespace {

using revlora::undo_record;

template <class W>
class OutOfPlace : public testing::Test {
 protected:
  engine random{1};

  /// As large as `like`, with other strides and alignment, and full of canaries.
  static matrix<W> elsewhere(const matrix<W>& like) { return {like.rows(), like.cols(), 9, 5}; }

  /// Equal weights, and canaries where there are no weights.
  static testing::AssertionResult same_weights(const matrix<W>& expected, const matrix<W>& got) {
    matrix<W> moved = elsewhere(expected);
    moved.fill([&](auto i, auto j) { return expected(i, j); });
    return same_bits(moved, got);
  }
};
TYPED_TEST_SUITE(OutOfPlace, weight_types, weight_name);

TYPED_TEST(OutOfPlace, EveryVerbGivesTheBitsThatItGivesInPlace) {
  using W = TypeParam;
  for (const auto& [rows, cols] :
       {std::pair{0, 5}, {5, 0}, {1, 1}, {16, 64}, {35, 140}, {64, 65}}) {
    for (const kind numbers : {kind::normal, kind::any_bits, kind::wild}) {
      const auto base = random_matrix<W>(this->random, rows, cols, numbers, 0.02f);
      const mixed_factors<revlora::bf16> adapters(this->random, rows, cols, 5, kind::normal, 0.2f,
                                                  0.1f);
      for (const std::size_t count : {0u, 1u, 3u}) {
        const std::vector<revlora::low_rank> all = adapters.list(count);
        const revlora::adapter_list list(
            all, count == 3 ? revlora::recipe::rounded_delta : revlora::recipe::fused);
        for (const path<W>& p : paths<W>()) {
          SCOPED_TRACE(std::string(p.name) + ", " + std::to_string(rows) + " x " +
                       std::to_string(cols) + ", " + name_of(numbers) + ", adapters " +
                       std::to_string(count));
          const runner on = on_threads_backwards(2);
          matrix<W> merged = base, subtracted = base;
          undo_record record, other;
          const revlora::merge_report report = p.merge_recorded(merged.view(), list, record, on);
          p.subtract(subtracted.view(), list, on);
          const matrix<W>&from = base, &back = merged;

          matrix<W> to = this->elsewhere(base);
          ASSERT_EQ(p.merge_to(from.view(), to.view(), list, on), report);
          ASSERT_TRUE(this->same_weights(merged, to));

          to = this->elsewhere(base);
          ASSERT_EQ(p.merge_recorded_to(from.view(), to.view(), list, other, on), report);
          ASSERT_TRUE(this->same_weights(merged, to));
          ASSERT_TRUE(same_bytes(record.bytes(), other.bytes()));

          to = this->elsewhere(base);
          p.restore_to(back.view(), to.view(), list, record, on);
          ASSERT_TRUE(this->same_weights(base, to));

          to = this->elsewhere(base);
          p.subtract_to(from.view(), to.view(), list, on);
          ASSERT_TRUE(this->same_weights(subtracted, to));
        }
      }
    }
  }
}

TYPED_TEST(OutOfPlace, TheSourceNeedNotBeConst) {
  auto base = random_matrix<TypeParam>(this->random, 20, 30, kind::normal, 1);
  const auto adapter = random_factors<float>(this->random, 20, 30, 2, kind::normal, 1, 1);
  matrix<TypeParam> to = this->elsewhere(base), back = base;
  undo_record record;
  revlora::merge(base.view(), to.view(), adapter.view(), record);
  back.fill([](auto, auto) { return TypeParam{}; });
  revlora::unmerge(to.view(), back.view(), adapter.view(), record);
  ASSERT_TRUE(same_bits(base, back));
}

#if defined(__unix__)
// A mapped checkpoint: a single write to it would end the test.
TYPED_TEST(OutOfPlace, TheSourceMayBeReadOnlyMemory) {
  const std::ptrdiff_t rows = 40, cols = 100;
  const std::size_t bytes = static_cast<std::size_t>(rows * cols) * sizeof(TypeParam);
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const weights = static_cast<TypeParam*>(memory);
  for (std::ptrdiff_t i = 0; i < rows * cols; ++i) {
    weights[i] = draw<TypeParam>(this->random, kind::wild, 0.1f);
  }
  ASSERT_EQ(::mprotect(memory, bytes, PROT_READ), 0);
  const revlora::matrix_view<const TypeParam> from(weights, rows, cols);
  const auto adapter = random_factors<float>(this->random, rows, cols, 2, kind::normal, 1, 1);
  matrix<TypeParam> to(rows, cols), back(rows, cols);
  undo_record record, nothing;
  revlora::merge(from, to.view(), adapter.view(), record);
  revlora::unmerge(to.view(), back.view(), adapter.view(), record);
  for (std::ptrdiff_t i = 0; i < rows; ++i) {
    for (std::ptrdiff_t j = 0; j < cols; ++j) {
      ASSERT_EQ(oracle::bits_of(back(i, j)), oracle::bits_of(weights[i * cols + j]));
    }
  }
  // Nor does an empty list write, even in place.
  const revlora::matrix_view<TypeParam> w(weights, rows, cols);
  revlora::merge(w, {});
  revlora::merge(w, {}, nothing);
  revlora::swap(w, {}, {}, nothing);
  revlora::unmerge(w, {}, nothing);
  ::munmap(memory, bytes);
}
#endif

TYPED_TEST(OutOfPlace, RefusesADestinationThatDoesNotFit) {
  const auto base = random_matrix<TypeParam>(this->random, 20, 30, kind::normal, 1);
  const auto adapter = random_factors<float>(this->random, 20, 30, 2, kind::normal, 1, 1);
  const auto refused = [&](revlora::matrix_view<const TypeParam> from, matrix<TypeParam>& w,
                           revlora::matrix_view<TypeParam> to, const std::string& pattern) {
    undo_record record;
    const std::function<void()> calls[] = {
        [&] { revlora::merge(from, to, adapter.view()); },
        [&] { revlora::merge(from, to, adapter.view(), record); },
        [&] { revlora::subtract(from, to, adapter.view()); },
        [&] { revlora::unmerge(from, to, adapter.view(), record); },
    };
    for (const auto& call : calls) {
      if (auto is = refuses<revlora::invalid_input>(w, pattern, call); !is) return is;
    }
    return testing::AssertionSuccess();
  };
  matrix<TypeParam> to(20, 30), higher(21, 30), wider(20, 31);
  EXPECT_TRUE(refused(higher.view(), to, to.view(), "source.*21.*30"));
  EXPECT_TRUE(refused(wider.view(), to, to.view(), "source.*20.*31"));
  EXPECT_TRUE(refused(base.view(), to, {to.data(), 20, 29, 40}, "20.*29"));
  EXPECT_TRUE(refused(base.view(), to, {nullptr, 20, 30}, "null"));
  EXPECT_TRUE(refused({nullptr, 20, 30}, to, to.view(), "source.*null"));
  EXPECT_TRUE(refused(to.view(), to, to.view(), "overlap"));
  EXPECT_TRUE(refused({to.data() + 1, 20, 29, 33}, to, {to.data(), 20, 29, 33}, "overlap|20.*29"));
}

}  // namespace
}  // namespace tests
