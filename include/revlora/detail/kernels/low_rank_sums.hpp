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

namespace revlora::inline REVLORA_NAMESPACE::detail {

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

/// to ← to + sum, from +0 if it is the first one.
template <class Arch>
void add(floats<Arch> sum, bool is_first, float* to) {
  const floats<Arch> before = is_first ? floats<Arch>(0.0f) : floats<Arch>::load_aligned(to);
  (before + sum).store_aligned(to);
}

/// `sums ← B·A` for one block; `up` and `down` are packed for this arithmetic. `depth` is even, and
/// not zero.
///
/// Tile by tile, as large as the registers allow, because every load of a factor counts: so both
/// chains cannot be in registers at once, and the even one waits in memory for the odd one.
template <class Arch, arithmetic how>
void multiply(const float* up, const float* down, std::ptrdiff_t depth, float* sums) {
  using vector = floats<Arch>;
  constexpr std::ptrdiff_t chain_block = how == arithmetic::bf16_pairs ? 16 : 32;  // 32 ranks
  constexpr int tile_rows = has_32_registers<Arch> ? 8 : 4;
  constexpr int tile_vectors = 2;
  alignas(64) float even[tile_rows][tile_vectors][lanes<Arch>];
  for (int left = 0; left < block_cols; left += tile_vectors * lanes<Arch>) {
    for (int top = 0; top < block_rows; top += tile_rows) {
      for (std::ptrdiff_t first = 0; first < depth; first += chain_block) {
        const std::ptrdiff_t last = std::min(first + chain_block, depth);
        for (const bool is_odd : {false, true}) {
          vector chain[tile_rows][tile_vectors];
#pragma GCC unroll 8
          for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 8
            for (int j = 0; j < tile_vectors; ++j) chain[i][j] = vector(0.0f);

          for (std::ptrdiff_t k = first + is_odd; k < last; k += 2) {
            vector a[tile_vectors];
#pragma GCC unroll 8
            for (int j = 0; j < tile_vectors; ++j)
              a[j] = kept_in_register<Arch>(
                  vector::load_aligned(down + k * block_cols + left + j * lanes<Arch>));
#pragma GCC unroll 8
            for (int i = 0; i < tile_rows; ++i) {
              const vector b = kept_in_register<Arch>(vector(up[k * block_rows + top + i]));
#pragma GCC unroll 8
              for (int j = 0; j < tile_vectors; ++j)
                chain[i][j] = advance<how, Arch>(b, a[j], chain[i][j]);
            }
          }

#pragma GCC unroll 8
          for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 8
            for (int j = 0; j < tile_vectors; ++j) {
              float* const to = sums + (top + i) * block_cols + left + j * lanes<Arch>;
              if (!is_odd)
                chain[i][j].store_aligned(even[i][j]);
              else
                add<Arch>(vector::load_aligned(even[i][j]) + chain[i][j], first == 0, to);
            }
        }
      }
    }
  }
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
