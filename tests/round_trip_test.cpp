// Merging with a record and unmerging gives back every bit, whatever the weights and the adapters.
#include "round_trip.hpp"

namespace tests {
namespace {

template <class W>
class RoundTrip : public testing::Test {};
TYPED_TEST_SUITE(RoundTrip, weight_types, weight_name);

TYPED_TEST(RoundTrip, RestoresNormalWeightsAtEveryRatio) {
  engine random(1);
  const auto base = random_matrix<TypeParam>(random, 130, 200, kind::normal, 0.02f);
  const mixed_factors<revlora::bf16> adapters(random, 130, 200, 16, kind::normal, 1, 1);
  for (const float ratio : {0.0f, 0.001f, 0.01f, 0.03f, 0.1f, 0.3f, 1.0f, 3.0f, 100.0f}) {
    auto adapter = adapters.first;
    adapter.strength = ratio * 0.02f / 4;  // rank 16: B·A has a standard deviation of 4
    ASSERT_TRUE(round_trips(base, adapter.view())) << "ratio " << ratio;
  }
}

TYPED_TEST(RoundTrip, RestoresEveryKindOfWeightUnderEveryKindOfAdapter) {
  engine random(2);
  for (const kind weights : all_kinds) {
    for (const kind numbers : all_kinds) {
      for (const float strength : {1.0f, -0x1p-9f}) {
        const auto base = random_matrix<TypeParam>(random, 50, 140, weights, 0.5f);
        const mixed_factors<revlora::f16> adapters(random, 50, 140, 3, numbers, 0.5f, strength);
        for (const std::size_t count : {1u, 3u}) {
          ASSERT_TRUE(round_trips(base, adapters.list(count)))
              << name_of(weights) << " weights, " << count << " with " << name_of(numbers)
              << " factors, strength " << strength;
        }
      }
    }
  }
}

TYPED_TEST(RoundTrip, RestoresEveryShape) {
  engine random(3);
  for (const std::ptrdiff_t rows : {0, 1, 15, 16, 17, 63, 64, 65, 100}) {
    for (const std::ptrdiff_t cols : {0, 1, 15, 16, 17, 63, 64, 65, 100}) {
      const auto base = random_matrix<TypeParam>(random, rows, cols, kind::wild, 0.1f);
      const auto adapter =
          random_factors<revlora::bf16>(random, rows, cols, 5, kind::normal, 0.1f, 1);
      ASSERT_TRUE(round_trips(base, adapter.view())) << rows << " x " << cols;
    }
  }
}

TYPED_TEST(RoundTrip, RestoresUnderRankZeroAndAnEmptyList) {
  engine random(4);
  for (const kind weights : all_kinds) {
    const auto base = random_matrix<TypeParam>(random, 20, 70, weights, 1);
    const auto adapter = random_factors<float>(random, 20, 70, 0, kind::normal, 1, 1);
    ASSERT_TRUE(round_trips(base, adapter.view())) << name_of(weights);
    ASSERT_TRUE(round_trips(base, {})) << name_of(weights);
  }
}

// Pruned models: most rows zero, a few not. Zeros have a code of their own.
TYPED_TEST(RoundTrip, RestoresMostlyZeroWeights) {
  engine random(5);
  for (const unsigned one_in : {2u, 10u, 100u}) {
    auto base = random_matrix<TypeParam>(random, 64, 256, kind::zeros, 1);
    base.fill([&](auto, auto) {
      return draw<TypeParam>(random, random() % one_in == 0 ? kind::normal : kind::zeros, 0.02f);
    });
    const auto adapter =
        random_factors<revlora::bf16>(random, 64, 256, 8, kind::normal, 0.1f, 0.1f);
    ASSERT_TRUE(round_trips(base, adapter.view())) << "one weight in " << one_in << " not zero";
  }
}

// Weights and D from the same coarse grid: sums cancel, land on powers of two and on ties.
TYPED_TEST(RoundTrip, RestoresTiesAndCancellation) {
  engine random(6);
  for (int exponent = -30; exponent <= 12; exponent += slow_fma ? 7 : 1) {
    const float scale = std::ldexp(1.0f, exponent);
    const auto base = random_matrix<TypeParam>(random, 32, 256, kind::coarse, 1);
    auto adapter = random_factors<revlora::bf16>(random, 32, 256, 2, kind::coarse, 1, scale);
    ASSERT_TRUE(round_trips(base, adapter.view())) << "D in steps of 2^" << exponent;
    adapter.strength = scale * (1 + 0x1p-12f);
    ASSERT_TRUE(round_trips(base, adapter.view())) << "D in steps of slightly over 2^" << exponent;
  }
}

}  // namespace
}  // namespace tests
