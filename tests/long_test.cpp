// The sweeps that take minutes: ctest -L long.
#include <atomic>
#include <cstdio>
#include <mutex>

#include "correlated.hpp"
#include "record_size.hpp"
#include "round_trip.hpp"

namespace tests {
namespace {

using sixteen_bits = testing::Types<revlora::f16, revlora::bf16>;

/// Runs `error_of(i)` for all i < count on all cores; the first message that is not empty
/// ends it.
template <class ErrorOf>
void expect_no_error(std::ptrdiff_t count, ErrorOf error_of) {
  if (!sweeps_make_sense) GTEST_SKIP() << "not under sanitizers and emulators";
  std::mutex guard;
  std::string error;
  std::atomic<bool> failed = false;
  on_all_cores().parallel_for(count, [&](std::ptrdiff_t i) {
    if (failed) return;
    const std::string mine = error_of(i);
    if (mine.empty()) return;
    failed = true;
    const std::lock_guard lock(guard);
    error = mine;
  });
  ASSERT_EQ(error, "");
}

template <class T>
class LongPairs : public testing::Test {};
TYPED_TEST_SUITE(LongPairs, sixteen_bits, weight_name);

// 2³² pairs: every weight against every D whose upper half is any of 65,536, the lower half one of
// those near which rounding to T changes its mind.
TYPED_TEST(LongPairs, EveryWeightComesBackFromEveryUpperHalfOfDelta) {
  constexpr std::uint32_t lower_halves[] = {0x0000, 0x0001, 0x0fff, 0x1000, 0x1001, 0x3000,
                                            0x7fff, 0x8000, 0x8001, 0xefff, 0xf000, 0xffff};
  const path<TypeParam> p = paths<TypeParam>().back();
  expect_no_error(4096, [&](std::ptrdiff_t group) {
    std::vector<float> deltas;
    for (std::uint32_t i = 0; i < 16; ++i) {  // rows of one panel: far apart in magnitude
      const std::uint32_t upper = static_cast<std::uint32_t>(group) + i * 4096;
      const std::size_t lower = (static_cast<std::size_t>(group) + i) % std::size(lower_halves);
      deltas.push_back(std::bit_cast<float>(upper << 16 | lower_halves[lower]));
    }
    const auto adapter = adapter_of_rows(deltas, 65536);
    matrix<TypeParam> base(16, 65536, 0);
    base.fill(
        [](auto, auto j) { return oracle::from_bits<TypeParam>(static_cast<std::uint32_t>(j)); });
    matrix<TypeParam> w = base;
    revlora::undo_record record;
    p.merge_recorded(w.view(), adapter.view(), record, on_this_thread());
    p.restore(w.view(), adapter.view(), record, on_this_thread());
    if (std::ranges::equal(base.bytes(), w.bytes())) return std::string();
    return "group " + std::to_string(group) + ": " + same_bits(base, w).message();
  });
}

template <class T>
class LongCorrelated : public testing::Test {};
TYPED_TEST_SUITE(LongCorrelated, weight_types, weight_name);

TYPED_TEST(LongCorrelated, WeightsComeBack) {
  constexpr int panels = sizeof(TypeParam) == 4 ? 40 : 12;
  expect_no_error(correlations * panels, [&](std::ptrdiff_t i) -> std::string {
    const int correlation = static_cast<int>(i % correlations);
    engine random(static_cast<std::uint64_t>(i) + 1000);
    const auto panel = draw_panel<TypeParam>(random, correlation, 60000);
    const auto result = round_trips(panel.weights, panel.adapter.view(), i < correlations);
    if (result) return {};
    return std::string(correlation_names[correlation]) + ", panel " + std::to_string(i) + ": " +
           result.message();
  });
}

template <class T>
class LongSwap : public testing::Test {};
TYPED_TEST_SUITE(LongSwap, weight_types, weight_name);

TYPED_TEST(LongSwap, TheBaseComesBackAfterAMillion) {
  if (!sweeps_make_sense) GTEST_SKIP() << "not under sanitizers and emulators";
  engine random(1);
  const auto base = random_matrix<TypeParam>(random, 16, 64, kind::normal, 0.02f);
  const mixed_factors<revlora::bf16> adapters(random, 16, 64, 2, kind::normal, 0.1f, 1);
  const std::vector<revlora::low_rank> all = adapters.list();
  const std::vector<revlora::low_rank> lists[] = {
      {all[0]}, {all[0], all[1]}, {all[1]}, {all[2], all[1], all[0]}, {}, {all[2]}};
  const path<TypeParam> p = paths<TypeParam>().back();
  matrix<TypeParam> w = base;
  revlora::undo_record record;
  std::size_t now = 0;
  p.merge_recorded(w.view(), lists[now], record, on_this_thread());
  for (int i = 0; i < 1'000'000; ++i) {
    const std::size_t next = random() % std::size(lists);
    p.swap(w.view(), lists[now], lists[next], record, on_this_thread());
    now = next;
  }
  p.restore(w.view(), lists[now], record, on_this_thread());
  ASSERT_TRUE(same_bits(base, w));
}

template <class T>
class LongRecordSize : public testing::Test {};
TYPED_TEST_SUITE(LongRecordSize, weight_types, weight_name);

TYPED_TEST(LongRecordSize, IsAtTheInformationBound) {
  if (!sweeps_make_sense) GTEST_SKIP() << "not under sanitizers and emulators";
  for (const auto how : {revlora::recipe::fused, revlora::recipe::rounded_delta}) {
    for (const double percent : percents) {
      const auto [bits, bound] = measure_record<TypeParam>(4096, percent, how, 4);
      std::printf("%s %s %g %%: %.4f bits per weight, bound %.4f\n", type_name<TypeParam>,
                  name_of(how), percent, bits, bound);
      EXPECT_LE(bits, largest_ratio<TypeParam>(how) * bound) << percent << " %, " << name_of(how);
    }
  }
  // Here the checksums of the panels are a good part of it.
  const auto [bits, bound] = measure_record<TypeParam>(4096, 0.1, revlora::recipe::fused, 4);
  std::printf("%s fused 0.1 %%: %.5f bits per weight, bound %.5f\n", type_name<TypeParam>, bits,
              bound);
  EXPECT_LE(bits, sizeof(TypeParam) == 2 ? 0.006 : 0.010);
}

}  // namespace
}  // namespace tests
