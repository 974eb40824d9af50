// W ← round(W + D) and W ← round(W − D): the arithmetic of every merge, and the visitor of the
// plain ones.
#pragma once

#include <bit>
#include <cstdint>

#include "block.hpp"
#include "convert.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

/// The smallest fp32 magnitude that is not a finite T after rounding.
template <element T>
inline constexpr std::uint32_t overflow_bits = std::same_as<T, float>  ? 0x7f800000
                                               : std::same_as<T, bf16> ? 0x7f7f8000
                                                                       : 0x477ff000;

/// Rounds `combine(x, D)` for a row of a block, `to` = `from` included; returns how many weights
/// became infinite or NaN.
template <class Arch, element T, class Combine>
std::int64_t combine_row(const T* from, const float* delta, const Combine& combine, T* to) {
  constexpr int vectors = block_cols / lanes<Arch>;
  words<Arch> sums[vectors];
  words<Arch> largest(0u);
#pragma GCC unroll 16
  for (int v = 0; v < vectors; ++v) {
    const floats<Arch> d = floats<Arch>::load_aligned(delta + v * lanes<Arch>);
    sums[v] = as_words<Arch>(combine(widen<T>(load<Arch>(from + v * lanes<Arch>)), d));
    largest = xsimd::max(largest, sums[v] & words<Arch>(0x7fffffffu));
  }
  // Where nothing overflows and nothing is NaN, which is almost always, nothing is counted.
  std::int64_t became = 0;
  if (to_integer<Arch>(largest >= words<Arch>(overflow_bits<T>)) != 0) {
    for (int v = 0; v < vectors; ++v) {
      const words<Arch> x = load<Arch>(from + v * lanes<Arch>);
      const words<Arch> y = narrow<T>(as_floats<Arch>(sums[v]));
      // What is not finite stays so: the difference of the two counts is what became so.
      became += std::popcount(to_integer<Arch>(is_not_finite<T>(y))) -
                std::popcount(to_integer<Arch>(is_not_finite<T>(x)));
      store<Arch>(to + v * lanes<Arch>, y);
    }
  } else {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v)
      store<Arch>(to + v * lanes<Arch>, narrow_number<T>(as_floats<Arch>(sums[v])));
  }
  return became;
}

/// Rounds `combine(x, D)` for some rows of a block, `to` = `from` included; returns how many
/// weights became infinite or NaN.
template <class Arch, element T, class Combine>
std::int64_t combine_rows(int rows, const T* from, std::ptrdiff_t from_stride, const float* delta,
                          const Combine& combine, T* to, std::ptrdiff_t to_stride) {
  std::int64_t became = 0;
  for (int i = 0; i < rows; ++i)
    became += combine_row<Arch>(from + i * from_stride, delta + i * block_cols, combine,
                                to + i * to_stride);
  return became;
}

/// Rounds `combine(x, D)` for a block of weights into its target; returns how many became infinite
/// or NaN.
template <class Arch, element T, class Combine>
std::int64_t visit_combine(const weight_block<T>& block, const float* delta,
                           const Combine& combine) {
  if (block.is_whole())
    return combine_rows<Arch>(block_rows, block.source, block.source_stride, delta, combine,
                              block.target, block.target_stride);
  alignas(64) T padded[block_size];
  const std::int64_t became = combine_rows<Arch>(block.rows, block.source, block.source_stride,
                                                 delta, combine, padded, block_cols);
  block.store(padded);
  return became;
}

/// x + D, which every merge rounds.
inline constexpr auto plus_delta = [](auto x, auto d) { return x + d; };
/// x − D.
inline constexpr auto minus_delta = [](auto x, auto d) { return x - d; };

}  // namespace revlora::inline v0::detail
