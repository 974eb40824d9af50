// swap(): whatever was merged before, the weights and the record are those of a fresh merge.
#include "executors.hpp"
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

using revlora::adapter_list;
using revlora::low_rank;
using revlora::recipe;
using revlora::undo_record;

template <class W>
class Swap : public testing::Test {
 protected:
  static constexpr std::ptrdiff_t rows = 35, cols = 140;  // partial panels, partial blocks

  engine random{1};
};
TYPED_TEST_SUITE(Swap, weight_types, weight_name);

/// Weights and their record.
template <class W>
struct state {
  matrix<W> weights;
  undo_record record;
};

template <class W>
state<W> merged_afresh(const matrix<W>& base, adapter_list adapters) {
  state<W> fresh{base, {}};
  paths<W>().front().merge_recorded(fresh.weights.view(), adapters, fresh.record, on_this_thread());
  return fresh;
}

template <class W>
testing::AssertionResult same_state(const state<W>& expected, const state<W>& got) {
  if (auto same = same_bits(expected.weights, got.weights); !same) return same << ", weights";
  if (auto same = same_bytes(expected.record.bytes(), got.record.bytes()); !same)
    return same << ", record";
  return testing::AssertionSuccess();
}

/// Adapters of all types and of ranks that units are set up for differently, with numbers of all
/// kinds, to make lists of.
struct adapter_pool {
  std::vector<mixed_factors<revlora::bf16>> factors;
  std::vector<low_rank> adapters;

  adapter_pool(engine& random, std::ptrdiff_t rows, std::ptrdiff_t cols) {
    for (const auto& [numbers, rank] : {std::pair{kind::normal, 6}, std::pair{kind::normal, 40},
                                        std::pair{kind::coarse, 17}, std::pair{kind::wild, 6}}) {
      factors.emplace_back(random, rows, cols, rank, numbers, 0.2f, 0.3f);
    }
    for (const auto& each : factors) {
      for (const low_rank& adapter : each.list()) adapters.push_back(adapter);
    }
  }

  /// Up to four of them, in any order; the same one may come twice.
  std::vector<low_rank> any_list(engine& random) const {
    std::vector<low_rank> list;
    for (std::size_t n = random() % 5; n > 0; --n) {
      list.push_back(adapters[random() % adapters.size()]);
    }
    return list;
  }
};

TYPED_TEST(Swap, LeavesWhatAFreshMergeOfTheFinalListWouldOverLongSequences) {
  using W = TypeParam;
  const adapter_pool pool(this->random, this->rows, this->cols);
  const std::vector<path<W>> on_paths = paths<W>();
  for (const kind numbers : all_kinds) {
    const auto base = random_matrix<W>(this->random, this->rows, this->cols, numbers, 0.02f);
    std::vector<low_rank> list = pool.any_list(this->random);
    recipe how = recipe::fused;
    state<W> now = merged_afresh(base, {list, how});
    for (int step = 0; step < 100; ++step) {
      const std::vector<low_rank> wanted = pool.any_list(this->random);
      const recipe wanted_how = this->random() % 3 == 0 ? recipe::rounded_delta : recipe::fused;
      const path<W>& p = on_paths[this->random() % on_paths.size()];
      const runner on = this->random() % 2 == 0 ? on_this_thread() : odd_pieces_first();
      p.swap(now.weights.view(), {list, how}, {wanted, wanted_how}, now.record, on);
      list = wanted;
      how = wanted_how;
      ASSERT_TRUE(same_state(merged_afresh(base, {list, how}), now))
          << name_of(numbers) << " weights, step " << step << " on " << p.name << ", "
          << list.size() << " adapters by " << name_of(how);
    }
    on_paths.back().restore(now.weights.view(), {list, how}, now.record, on_this_thread());
    ASSERT_TRUE(same_bits(base, now.weights)) << name_of(numbers);
  }
}

TYPED_TEST(Swap, RemovesAddsReordersAndRescalesExactly) {
  using W = TypeParam;
  const auto base = random_matrix<W>(this->random, this->rows, this->cols, kind::normal, 0.02f);
  const mixed_factors<revlora::f16> adapters(this->random, this->rows, this->cols, 5, kind::normal,
                                             0.2f, 0.2f);
  const std::vector<low_rank> all = adapters.list();
  const low_rank weaker(adapters.second.b.view(), adapters.second.a.view(), 0.125f);
  const std::vector<low_rank> lists[] = {all,
                                         {all[0], all[2]},
                                         {all[2], all[0]},
                                         {all[2], all[0], all[1]},
                                         {all[2], all[0], weaker},
                                         {weaker},
                                         {},
                                         all};
  for (const path<W>& p : paths<W>()) {
    state<W> now = merged_afresh(base, lists[0]);
    for (std::size_t i = 1; i < std::size(lists); ++i) {
      p.swap(now.weights.view(), lists[i - 1], lists[i], now.record, on_this_thread());
      ASSERT_TRUE(same_state(merged_afresh(base, lists[i]), now)) << "list " << i << ", " << p.name;
    }
  }
}

TYPED_TEST(Swap, CountsWhatAFreshMergeCounts) {
  matrix<TypeParam> base(3, 50);
  base.fill([](auto, auto j) { return oracle::round<TypeParam>(static_cast<float>(j)); });
  const float infinity = std::numeric_limits<float>::infinity();
  const auto some_factors = adapter_of_rows({1.0f, -infinity, infinity}, 50);
  const auto none_factors = adapter_of_rows({1.0f, 2.0f, 3.0f}, 50);
  const revlora::adapter first = some_factors.view(), second = none_factors.view();
  const revlora::adapter_list some(first, revlora::recipe::nan), none(second, revlora::recipe::nan);
  state<TypeParam> now = merged_afresh(base, some);
  EXPECT_EQ(revlora::swap(now.weights.view(), some, none, now.record).became_not_finite, 0);
  EXPECT_EQ(revlora::swap(now.weights.view(), none, some, now.record).became_not_finite, 100);
  EXPECT_EQ(revlora::swap(now.weights.view(), some, some, now.record).became_not_finite, 100);
}

TYPED_TEST(Swap, WorksOnEveryShape) {
  using W = TypeParam;
  for (const std::ptrdiff_t height : {0, 1, 15, 16, 17, 65}) {
    for (const std::ptrdiff_t width : {0, 1, 63, 64, 65, 130}) {
      const auto base = random_matrix<W>(this->random, height, width, kind::wild, 0.1f);
      const mixed_factors<float> adapters(this->random, height, width, 3, kind::normal, 0.3f, 1);
      const std::vector<low_rank> all = adapters.list();
      state<W> now = merged_afresh(base, all[0]);
      revlora::swap(now.weights.view(), all[0], all, now.record);
      ASSERT_TRUE(same_state(merged_afresh(base, all), now)) << height << " x " << width;
    }
  }
}

}  // namespace
}  // namespace tests
