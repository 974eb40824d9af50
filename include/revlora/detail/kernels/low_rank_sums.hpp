// The sums of one adapter for a 16×64 block, B·A, by vectors.
//
// Every element is summed in the order of the contract, which is the order of matrix hardware: the
// ranks in blocks of 32, in each block one chain over the even positions and one over the odd, and
// the blocks' sums added up from +0.
#pragma once

#include <algorithm>
#include <cstddef>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "simd.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::arithmetic;

/// One step of a chain.
template <arithmetic how, class Arch>
floats<Arch> advance(floats<Arch> b, floats<Arch> a, floats<Arch> chain) {
  if constexpr (how == arithmetic::bf16_pairs)
    return dot_pairs(b, a, chain);
  else if constexpr (how == arithmetic::exact_products)
    return b * a + chain;
  else
    return fused(b, a, chain);
}

/// The sums of a tile of a block: enough to hide the latency of additions, and as square as can be,
/// because every load of a factor counts.
inline constexpr int tile_rows = 4;
template <class Arch>
inline constexpr int tile_vectors = has_32_registers<Arch> ? 4 : 2;
template <class Arch>
using tile = floats<Arch>[tile_rows][tile_vectors<Arch>];

/// Calls `visit(i, j)` for the vectors of a tile.
template <class Arch, class Visit>
[[gnu::always_inline]] inline void for_each_vector(const Visit& visit) {
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < tile_vectors<Arch>; ++j) visit(i, j);
}

/// The chains of every other step from these factors on.
template <class Arch, arithmetic how>
[[gnu::always_inline]] inline void run_chains(const float* up, const float* down,
                                              std::ptrdiff_t steps, tile<Arch>& chains) {
  using vector = floats<Arch>;
  for_each_vector<Arch>([&](int i, int j) { chains[i][j] = vector(0.0f); });
  for (; steps > 0; --steps, up += 2 * block_rows, down += 2 * block_cols) {
    vector a[tile_vectors<Arch>];
#pragma GCC unroll 8
    for (int j = 0; j < tile_vectors<Arch>; ++j)
      a[j] = kept_in_register<Arch>(vector::load_aligned(down + j * lanes<Arch>));
#pragma GCC unroll 8
    for (int i = 0; i < tile_rows; ++i) {
      const vector b = kept_in_register<Arch>(vector(up[i]));
#pragma GCC unroll 8
      for (int j = 0; j < tile_vectors<Arch>; ++j)
        chains[i][j] = advance<how, Arch>(b, a[j], chains[i][j]);
    }
  }
}

/// `sums ← B·A` for one block; `up` and `down` are packed for this arithmetic. `depth` is even, and
/// not zero.
///
/// 32 ranks at a time, whose part of A stays in L1 from tile to tile; and the odd chains after the
/// even ones, because the registers do not hold the sums of both and the factors.
template <class Arch, arithmetic how>
void multiply(const float* up, const float* down, std::ptrdiff_t depth, float* sums) {
  using vector = floats<Arch>;
  constexpr std::ptrdiff_t chain_block = how == arithmetic::bf16_pairs ? 16 : 32;  // 32 ranks
  for (std::ptrdiff_t first = 0; first < depth; first += chain_block) {
    const std::ptrdiff_t steps = std::min(chain_block, depth - first) / 2;
    for (int left = 0; left < block_cols; left += tile_vectors<Arch> * lanes<Arch>)
      for (int top = 0; top < block_rows; top += tile_rows) {
        const float* const b = up + first * block_rows + top;
        const float* const a = down + first * block_cols + left;
        tile<Arch> even, odd;
        run_chains<Arch, how>(b, a, steps, even);
        run_chains<Arch, how>(b + block_rows, a + block_cols, steps, odd);
        for_each_vector<Arch>([&](int i, int j) {
          float* const to = sums + (top + i) * block_cols + left + j * lanes<Arch>;
          const vector sum = even[i][j] + odd[i][j];
          (sum + (first == 0 ? vector(0.0f) : vector::load_aligned(to))).store_aligned(to);
        });
      }
  }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
