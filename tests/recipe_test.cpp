// recipe::rounded_delta: D is rounded to the weights' type before it is added. Equal to the oracle,
// and exactly undone.
#include "round_trip.hpp"

namespace tests {
namespace {

using revlora::recipe;

template <class C>
class RoundedDelta : public path_test<C> {};
TYPED_TEST_SUITE(RoundedDelta, weights_by_factors, combination_name);

TYPED_TEST(RoundedDelta, EqualsTheOracleForEveryKindOfWeightAndFactor) {
  using W = typename TypeParam::W;
  engine random(1);
  for (const kind weights : all_kinds) {
    for (const kind numbers : all_kinds) {
      for (const float strength : {1.0f, 0x1p-9f, 1e30f}) {
        const auto w = random_matrix<W>(random, 19, 67, weights, 0.5f);
        const mixed_factors<typename TypeParam::F> adapters(random, 19, 67, 35, numbers, 0.5f,
                                                            strength);
        for (std::size_t count = 0; count <= 3; ++count) {
          const std::vector<revlora::low_rank> all = adapters.list(count);
          const revlora::adapter_list list(all, recipe::rounded_delta);
          matrix<W> expected = w, merged = w, expected_back = w, back = w;
          const revlora::merge_report report = oracle::merge(expected.view(), list);
          ASSERT_EQ(TypeParam::on().merge(merged.view(), list, on_this_thread()), report);
          ASSERT_TRUE(same_bits(expected, merged))
              << name_of(weights) << " weights, " << count << " with " << name_of(numbers);
          oracle::subtract(expected_back.view(), list);
          TypeParam::on().subtract(back.view(), list, on_this_thread());
          ASSERT_TRUE(same_bits(expected_back, back))
              << name_of(weights) << " weights, " << count << " with " << name_of(numbers);
        }
      }
    }
  }
}

template <class W>
class RoundedDeltaRoundTrip : public testing::Test {};
TYPED_TEST_SUITE(RoundedDeltaRoundTrip, weight_types, weight_name);

TYPED_TEST(RoundedDeltaRoundTrip, RestoresEveryKindOfWeightUnderEveryKindOfAdapter) {
  engine random(2);
  for (const kind weights : all_kinds) {
    for (const kind numbers : all_kinds) {
      const auto base = random_matrix<TypeParam>(random, 50, 140, weights, 0.5f);
      const mixed_factors<revlora::f16> adapters(random, 50, 140, 3, numbers, 0.5f, 0x1p-3f);
      for (const std::size_t count : {1u, 3u}) {
        const std::vector<revlora::low_rank> all = adapters.list(count);
        ASSERT_TRUE(round_trips(base, {all, recipe::rounded_delta}))
            << name_of(weights) << " weights, " << count << " with " << name_of(numbers);
      }
    }
  }
}

TYPED_TEST(RoundedDeltaRoundTrip, RestoresNormalWeightsAtEveryRatio) {
  engine random(3);
  const auto base = random_matrix<TypeParam>(random, 130, 200, kind::normal, 0.02f);
  const mixed_factors<revlora::bf16> adapters(random, 130, 200, 16, kind::normal, 1, 1);
  for (const float ratio : {0.001f, 0.01f, 0.03f, 0.1f, 0.3f, 1.0f, 3.0f, 100.0f}) {
    auto adapter = adapters.first;
    adapter.strength = ratio * 0.02f / 4;  // rank 16: B·A has a standard deviation of 4
    ASSERT_TRUE(round_trips(base, {adapter.view(), recipe::rounded_delta})) << "ratio " << ratio;
  }
}

// x = 1 and D just above half a step of bf16: fused rounds the sum up, once; rounded_delta rounds D
// down to half a step first, and then the sum, a tie, to even.
TEST(RoundedDeltaOfBf16, RoundsTwice) {
  const auto adapter = adapter_of_rows({0x1.01p-8f}, 1);
  matrix<revlora::bf16> once(1, 1), twice(1, 1);
  once(0, 0) = twice(0, 0) = revlora::bf16::from_bits(0x3f80);
  revlora::merge(once.view(), adapter.view());
  revlora::merge(twice.view(), {adapter.view(), recipe::rounded_delta});
  EXPECT_EQ(once(0, 0).bits, 0x3f81);
  EXPECT_EQ(twice(0, 0).bits, 0x3f80);
}

}  // namespace
}  // namespace tests
