// The delta of a list of low-rank adapters, one 16×64 block at a time.
//
// The factors are widened and packed once per call, in the order in which the kernel reads them;
// then the kernel sums every element in the order of the contract, which is the order of matrix
// hardware: the ranks in blocks of 32, in each block one chain over the even positions and one over
// the odd, and the blocks' sums added up from +0.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "../low_rank.hpp"
#include "block.hpp"
#include "convert.hpp"
#include "memory.hpp"
#include "schedule.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

inline constexpr std::ptrdiff_t chain_block = 32;

/// One adapter, widened. `depth` is the rank, made even: an appended product of two zeros may turn
/// a chain's −0 into +0, and both vanish when the chain is added to a sum that is never −0.
struct packed_adapter {
  float strength;
  std::ptrdiff_t depth;
  aligned_array<float> up;    ///< by panel: depth × 16
  aligned_array<float> down;  ///< by column of blocks: depth × 64

  const float* up_of(std::ptrdiff_t panel) const { return up.get() + panel * depth * block_rows; }
  const float* down_of(std::ptrdiff_t block) const {
    return down.get() + block * depth * block_cols;
  }
};

/// Widens up to 64 consecutive elements into 64 floats; those behind `count` become zero.
template <class Arch, element T>
void widen_row(const T* from, std::ptrdiff_t count, float* to) {
  T padded[block_cols] = {};
  if (count < block_cols) {
    std::memcpy(padded, from, static_cast<std::size_t>(count) * sizeof(T));
    from = padded;
  }
  for (int j = 0; j < block_cols; j += lanes<Arch>)
    widen<T>(load<Arch>(from + j)).store_aligned(to + j);
}

/// Columns 64·block … of A.
template <class Arch, element T>
void pack_down(const factor_view& a, std::ptrdiff_t block, std::ptrdiff_t depth, float* to) {
  const std::ptrdiff_t left = block * block_cols;
  const std::ptrdiff_t cols = std::min<std::ptrdiff_t>(block_cols, a.cols - left);
  for (std::ptrdiff_t k = 0; k < a.rows; ++k)
    widen_row<Arch>(static_cast<const T*>(a.data) + k * a.row_stride + left, cols,
                    to + k * block_cols);
  std::fill(to + a.rows * block_cols, to + depth * block_cols, 0.0f);
}

/// Rows 16·panel … of B, transposed.
template <class Arch, element T>
void pack_up(const factor_view& b, std::ptrdiff_t panel, std::ptrdiff_t depth, float* to) {
  std::fill(to, to + depth * block_rows, 0.0f);
  const std::ptrdiff_t top = panel * block_rows;
  const std::ptrdiff_t rows = std::min<std::ptrdiff_t>(block_rows, b.rows - top);
  for (std::ptrdiff_t i = 0; i < rows; ++i) {
    const T* const row = static_cast<const T*>(b.data) + (top + i) * b.row_stride;
    for (std::ptrdiff_t left = 0; left < b.cols; left += block_cols) {
      const std::ptrdiff_t count = std::min<std::ptrdiff_t>(block_cols, b.cols - left);
      alignas(64) float widened[block_cols];
      widen_row<Arch>(row + left, count, widened);
      for (std::ptrdiff_t k = 0; k < count; ++k) to[(left + k) * block_rows + i] = widened[k];
    }
  }
}

/// Calls `body` with a null pointer of the element type that `type` names.
template <class Body>
void with_element(element_type type, const Body& body) {
  switch (type) {
    case element_type::fp32:
      return body(static_cast<const float*>(nullptr));
    case element_type::fp16:
      return body(static_cast<const f16*>(nullptr));
    case element_type::bf16:
      return body(static_cast<const bf16*>(nullptr));
  }
}

/// `delta ← strength · t + before` for one block, t being the adapter's sum in contract order;
/// before is +0 for the first adapter, the delta so far for the others.
template <class Arch>
void add_low_rank(const float* up, const float* down, std::ptrdiff_t depth, float strength,
                  bool is_first, float* delta) {
  using vector = floats<Arch>;
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
            for (int j = 0; j < tile_vectors; ++j) chain[i][j] = fused(b, a[j], chain[i][j]);
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

/// Where the delta comes from: Σ s·B·A of a checked, non-empty list of adapters.
template <class Arch>
class low_rank_delta {
 public:
  /// Packs the factors: 4·r·(d_out + d_in) bytes per adapter. Throws std::bad_alloc.
  template <executor Executor>
  low_rank_delta(adapter_list adapters, const Executor& executor) {
    packed_.reserve(adapters.size());
    for (const low_rank& adapter : adapters) {
      const std::ptrdiff_t depth = adapter.rank() + adapter.rank() % 2;
      const std::ptrdiff_t panels = (adapter.b().rows + block_rows - 1) / block_rows;
      const std::ptrdiff_t blocks = blocks_of(adapter.a().cols);
      const auto floats_of = [depth](std::ptrdiff_t count, int size) {
        return allocate<float>(static_cast<std::size_t>(count * depth * size));
      };
      packed_.push_back({adapter.strength(), depth, floats_of(panels, block_rows),
                         floats_of(blocks, block_cols)});
      packed_adapter& packed = packed_.back();
      with_element(adapter.type(), [&]<class T>(const T*) {
        for_each(executor, blocks, [&](std::ptrdiff_t block) {
          pack_down<Arch, T>(adapter.a(), block, depth,
                             packed.down.get() + block * depth * block_cols);
        });
        for_each(executor, panels, [&](std::ptrdiff_t panel) {
          pack_up<Arch, T>(adapter.b(), panel, depth, packed.up.get() + panel * depth * block_rows);
        });
      });
    }
  }

  /// Writes the 16×64 deltas of one block; those outside `rows × cols` are +0.
  void fill(std::ptrdiff_t panel, std::ptrdiff_t block, int rows, int cols, float* delta) const {
    for (const packed_adapter& packed : packed_)
      add_low_rank<Arch>(packed.up_of(panel), packed.down_of(block), packed.depth, packed.strength,
                         &packed == packed_.data(), delta);
    if (rows == block_rows && cols == block_cols) return;
    // A zero of the padding times an infinite factor is NaN.
    for (int i = 0; i < block_rows; ++i)
      std::fill(delta + i * block_cols + (i < rows ? cols : 0), delta + (i + 1) * block_cols, 0.0f);
  }

 private:
  std::vector<packed_adapter> packed_;
};

}  // namespace revlora::inline v0::detail
