// The delta of a list of low-rank adapters, one 16×64 block at a time.
//
// The kernel sums every element in the order of the contract, which is the order of matrix
// hardware: the ranks in blocks of 32, in each block one chain over the even positions and one over
// the odd, and the blocks' sums added up from +0.
#pragma once

#include <cstddef>
#include <vector>

#include "../low_rank.hpp"
#include "block.hpp"
#include "packed_factors.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

/// `delta ← strength · t + before` for one block, t being the adapter's sum in contract order;
/// before is +0 for the first adapter, the delta so far for the others.
template <class Arch, bool paired>
void add_low_rank(const float* up, const float* down, std::ptrdiff_t depth, float strength,
                  bool is_first, float* delta) {
  using vector = floats<Arch>;
  constexpr std::ptrdiff_t chain_block = paired ? 16 : 32;  // steps that make 32 ranks
  // Two chains and the sum for each element of the tile, and still registers for the factors.
  constexpr int tile_rows = has_32_registers<Arch> ? 4 : 2;
  constexpr int tile_vectors = 2;
  for (int left = 0; left < block_cols; left += tile_vectors * lanes<Arch>) {
    for (int top = 0; top < block_rows; top += tile_rows) {
      vector sum[tile_rows][tile_vectors];
#pragma GCC unroll 8
      for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < tile_vectors; ++j) sum[i][j] = vector(0.0f);

      for (std::ptrdiff_t first = 0; first < depth; first += chain_block) {
        vector even[tile_rows][tile_vectors], odd[tile_rows][tile_vectors];
#pragma GCC unroll 8
        for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 8
          for (int j = 0; j < tile_vectors; ++j) even[i][j] = odd[i][j] = vector(0.0f);

        const auto extend = [&](auto& chain, std::ptrdiff_t k) {
          vector a[tile_vectors];
#pragma GCC unroll 8
          for (int j = 0; j < tile_vectors; ++j) {
            a[j] = vector::load_aligned(down + k * block_cols + left + j * lanes<Arch>);
            keep_in_register(a[j]);
          }
#pragma GCC unroll 8
          for (int i = 0; i < tile_rows; ++i) {
            const vector b(up[k * block_rows + top + i]);
#pragma GCC unroll 8
            for (int j = 0; j < tile_vectors; ++j) {
              if constexpr (paired)
                chain[i][j] = dot_pairs(b, a[j], chain[i][j]);
              else
                chain[i][j] = fused(b, a[j], chain[i][j]);
            }
          }
        };
        const std::ptrdiff_t last = std::min(first + chain_block, depth);
        for (std::ptrdiff_t k = first; k < last; k += 2) {
          extend(even, k);
          extend(odd, k + 1);
        }
#pragma GCC unroll 8
        for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 8
          for (int j = 0; j < tile_vectors; ++j) sum[i][j] = sum[i][j] + (even[i][j] + odd[i][j]);
      }

#pragma GCC unroll 8
      for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < tile_vectors; ++j) {
          float* const d = delta + (top + i) * block_cols + left + j * lanes<Arch>;
          const vector before = is_first ? vector(0.0f) : vector::load_aligned(d);
          fused(vector(strength), sum[i][j], before).store_aligned(d);
        }
    }
  }
}

/// Where the delta comes from: Σ s·B·A of a checked list of adapters.
template <class Arch>
class low_rank_delta {
 public:
  /// Packs the factors: at most 4·r·(d_out + d_in) bytes per adapter. Throws std::bad_alloc.
  template <executor Executor>
  low_rank_delta(adapter_list adapters, const Executor& executor) {
    packed_.reserve(adapters.size());
    for (const low_rank& adapter : adapters) packed_.push_back(pack<Arch>(adapter, executor));
  }

  /// Writes the 16×64 deltas of one block; those outside `rows × cols` are +0. For lists that are
  /// not empty.
  void fill(std::ptrdiff_t panel, std::ptrdiff_t block, int rows, int cols, float* delta) const {
    for (const packed_factors& packed : packed_) {
      const auto add = [&]<bool paired>(std::bool_constant<paired>) {
        add_low_rank<Arch, paired>(packed.up_of(panel), packed.down_of(block), packed.depth,
                                   packed.strength, &packed == packed_.data(), delta);
      };
      if constexpr (has_dot_pairs<Arch>) {
        if (packed.paired) {
          add(std::true_type());
          continue;
        }
      }
      add(std::false_type());
    }
    if (rows == block_rows && cols == block_cols) return;
    // A zero of the padding times an infinite factor is NaN.
    for (int i = 0; i < block_rows; ++i)
      std::fill(delta + i * block_cols + (i < rows ? cols : 0), delta + (i + 1) * block_cols, 0.0f);
  }

 private:
  std::vector<packed_factors> packed_;
};

}  // namespace revlora::inline v0::detail
