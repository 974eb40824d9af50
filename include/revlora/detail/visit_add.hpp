// Visitors that only change the weights: W ← round(W + D), W ← round(W − D).
#pragma once

#include <cstdint>

#include "block.hpp"
#include "convert.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

/// Rounds `combine(x, D)` into each weight of the block; returns how many became infinite or NaN.
template <class Arch, element T, class Combine>
std::int64_t visit_combine(weight_block<T> block, const float* delta, const Combine& combine) {
  const words<Arch> zero(0u), one(1u);
  words<Arch> became = zero;
  for (int i = 0; i < block.rows; ++i) {
    T* const row = block.row(i);
    for (int j = 0; j < block_cols; j += lanes<Arch>) {
      const words<Arch> x = load<Arch>(row + j);
      const floats<Arch> d = floats<Arch>::load_aligned(delta + i * block_cols + j);
      const words<Arch> y = narrow<T>(combine(widen<T>(x), d));
      store<Arch>(row + j, y);
      // What is not finite stays so: the difference of the two counts is what became so.
      became =
          became + choose(is_not_finite<T>(y), one, zero) - choose(is_not_finite<T>(x), one, zero);
    }
  }
  return sum_of(became);
}

}  // namespace revlora::inline v0::detail
