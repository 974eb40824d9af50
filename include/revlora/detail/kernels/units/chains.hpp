// The sums of a block by vectors, for the units that advance a chain by one vector instruction or
// two.
#pragma once

#include <algorithm>
#include <cstddef>

#include "../../namespace.hpp"
#include "../../panels.hpp"
#include "../simd.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Whether the registers hold the even and the odd chains of two whole rows, and their sums.
template <class Arch>
inline constexpr bool holds_whole_rows = has_32_registers<Arch> && 4 * lanes<Arch> == block_cols;

/// What is summed at once: enough to hide the latency of additions, and, where rows do not fit, as
/// square as can be, because every load of a factor counts.
template <class Arch>
inline constexpr int tile_rows = holds_whole_rows<Arch> ? 2 : 4;
template <class Arch>
inline constexpr int tile_vectors = has_32_registers<Arch> ? 4 : 2;
template <class Arch>
using tile = floats<Arch>[tile_rows<Arch>][tile_vectors<Arch>];

/// Calls `visit(i, j)` for the vectors of a tile.
template <class Arch, class Visit>
[[gnu::always_inline]] inline void for_each_vector(const Visit& visit) {
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows<Arch>; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < tile_vectors<Arch>; ++j) visit(i, j);
}

/// Advances a chain of each vector of a tile by one step.
template <class Arch, class Unit>
[[gnu::always_inline]] inline void advance_tile(const float* up, const float* down,
                                                tile<Arch>& chains) {
  using vector = floats<Arch>;
  vector a[tile_vectors<Arch>];
#pragma GCC unroll 8
  for (int j = 0; j < tile_vectors<Arch>; ++j)
    a[j] = kept_in_register<Arch>(vector::load_aligned(down + j * lanes<Arch>));
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows<Arch>; ++i) {
    const vector b = kept_in_register<Arch>(vector(up[i]));
#pragma GCC unroll 8
    for (int j = 0; j < tile_vectors<Arch>; ++j)
      chains[i][j] = Unit::template advance<Arch>(b, a[j], chains[i][j]);
  }
}

/// The even and the odd chains of at most 32 ranks.
template <class Arch, class Unit>
[[gnu::always_inline]] inline void run_chains(const float* up, const float* down,
                                              std::ptrdiff_t pairs_of_steps, tile<Arch>& even,
                                              tile<Arch>& odd) {
  for_each_vector<Arch>([&](int i, int j) { even[i][j] = odd[i][j] = floats<Arch>(0.0f); });
  constexpr int next_up = 2 * block_rows, next_down = 2 * block_cols;
  if constexpr (holds_whole_rows<Arch>) {
    for (std::ptrdiff_t k = 0; k < pairs_of_steps; ++k, up += next_up, down += next_down) {
      advance_tile<Arch, Unit>(up, down, even);
      advance_tile<Arch, Unit>(up + block_rows, down + block_cols, odd);
    }
  } else {
    // One after the other: the registers do not hold the chains of both and the factors.
    for (std::ptrdiff_t k = 0; k < pairs_of_steps; ++k)
      advance_tile<Arch, Unit>(up + k * next_up, down + k * next_down, even);
    up += block_rows;
    down += block_cols;
    for (std::ptrdiff_t k = 0; k < pairs_of_steps; ++k)
      advance_tile<Arch, Unit>(up + k * next_up, down + k * next_down, odd);
  }
}

/// Hands the sums of a block to a visitor, tile by tile; `depth` is even.
template <class Arch, class Unit, class Visit>
[[gnu::always_inline]] inline void multiply_by_chains(const float* up, const float* down,
                                                      std::ptrdiff_t depth, Visit& visit) {
  for (int left = 0; left < block_cols; left += tile_vectors<Arch> * lanes<Arch>)
    for (int top = 0; top < block_rows; top += tile_rows<Arch>) {
      tile<Arch> sums;
      for_each_vector<Arch>([&](int i, int j) { sums[i][j] = floats<Arch>(0.0f); });
      for (std::ptrdiff_t first = 0; first < depth; first += Unit::chain_steps) {
        tile<Arch> even, odd;
        run_chains<Arch, Unit>(up + first * block_rows + top, down + first * block_cols + left,
                               std::min(Unit::chain_steps, depth - first) / 2, even, odd);
        for_each_vector<Arch>([&](int i, int j) {
          const floats<Arch> sum = even[i][j] + odd[i][j];
          sums[i][j] = first == 0 ? sum : sums[i][j] + sum;
        });
      }
#pragma GCC unroll 8
      for (int i = 0; i < tile_rows<Arch>; ++i) visit(top + i, left, sums[i]);
    }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
