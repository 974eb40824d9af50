// Weights that are stored divided by scales: D is divided by the scale of its weight, and the rest
// is as ever. Every bit equal to what the definition says, and back again.
#include "executors.hpp"
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

using revlora::recipe;

constexpr std::ptrdiff_t rows = 150, cols = 300;

/// Scales of a type for a grid of weights, those at the edges cut off.
template <class S>
struct grid {
  std::ptrdiff_t high, wide;
  matrix<S> scales;

  grid(engine& random, std::ptrdiff_t weights_high, std::ptrdiff_t weights_wide)
      : high(weights_high),
        wide(weights_wide),
        scales((rows + high - 1) / high, (cols + wide - 1) / wide) {
    scales.fill([&](auto, auto) {
      return oracle::round<S>(0.01f + 0.001f * static_cast<float>(random() % 100));
    });
  }
  float at(std::ptrdiff_t i, std::ptrdiff_t j) const {
    return oracle::widen(scales(i / high, j / wide));
  }
};

template <class W, class S>
matrix<W> expected_merge(const matrix<W>& base, const grid<S>& scales,
                         revlora::adapter_list adapters) {
  matrix<W> merged = base;
  const oracle::deltas deltas(adapters);
  for (std::ptrdiff_t i = 0; i < rows; ++i) {
    const std::vector<float> d = deltas.row(i, cols);
    for (std::ptrdiff_t j = 0; j < cols; ++j) {
      const float divided = d[static_cast<std::size_t>(j)] / scales.at(i, j);
      merged(i, j) = oracle::round<W>(
          oracle::widen(base(i, j)) + oracle::to_be_added<W>(divided, adapters.recipe()),
          adapters.recipe());
    }
  }
  return merged;
}

template <class W, class S>
void expect_exact(const matrix<W>& base, const grid<S>& scales, revlora::adapter_list adapters,
                  revlora::adapter_list others) {
  const auto expected = expected_merge(base, scales, adapters);
  matrix<W> w = base;
  const auto scaled = revlora::any_matrix(w.view()).scaled_by(scales.scales.view());
  revlora::merge(scaled, adapters);
  ASSERT_TRUE(same_bits(expected, w)) << "without a record";
  w = base;
  revlora::undo_record record;
  revlora::merge(scaled, adapters, record);
  ASSERT_TRUE(same_bits(expected, w));
  revlora::swap(scaled, adapters, others, record);
  ASSERT_TRUE(same_bits(expected_merge(base, scales, others), w)) << "swapped";
  revlora::unmerge(scaled, others, record);
  ASSERT_TRUE(same_bits(base, w)) << "unmerged";
}

template <class W>
class ScaledWeights : public testing::Test {};
using fp8_weights = testing::Types<revlora::e4m3, revlora::e5m2>;
TYPED_TEST_SUITE(ScaledWeights, fp8_weights, weight_name);

TYPED_TEST(ScaledWeights, AreMergedWithDividedDeltas) {
  engine random(1);
  const auto plain = random_factors<revlora::bf16>(random, rows, cols, 9, kind::normal, 0.1f, 0.3f);
  const auto other = random_factors<float>(random, rows, cols, 3, kind::normal, 0.1f, 0.2f);
  const revlora::hadamard product({plain.b.view(), plain.a.view()},
                                  {plain.b.view(), plain.a.view()}, 0.5f);
  const auto base = random_matrix<TypeParam>(random, rows, cols, kind::normal, 1.0f);
  const auto expect_exact_for = [&](const auto& scales) {
    for (const recipe by : {recipe::fused, recipe::rounded_delta}) {
      expect_exact(base, scales, {plain.view(), by}, {{plain.view(), product}, by});
      expect_exact(base, scales, {{other.view(), plain.view()}, by}, {product, by});
    }
  };
  expect_exact_for(grid<float>(random, rows, cols));
  expect_exact_for(grid<revlora::bf16>(random, 1, cols));
  expect_exact_for(grid<float>(random, 128, 128));
  expect_exact_for(grid<revlora::f16>(random, 128, 128));
}

// A product with the reciprocal of a scale would be rounded twice, or overflow.
TYPED_TEST(ScaledWeights, AreDividedNotMultiplied) {
  using W = TypeParam;
  engine random(2);
  const auto base = random_matrix<W>(random, rows, cols, kind::wild, 1.0f);
  const auto wild = random_factors<float>(random, rows, cols, 2, kind::wild, 0.5f, 1.0f);
  const auto coarse = random_factors<float>(random, rows, cols, 4, kind::coarse, 0.25f, 1.0f);
  for (const float scale : {3.0f, 0.1f, 0x1p-140f, 0x1p120f, 1.0f}) {
    grid<float> scales(random, rows, cols);
    scales.scales(0, 0) = scale;
    for (const auto* adapter : {&wild, &coarse})
      expect_exact(base, scales, adapter->view(), coarse.view());
  }
}

}  // namespace
}  // namespace tests
