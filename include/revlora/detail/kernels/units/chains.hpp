// The sums of a block by vectors, for the units that advance a chain by one vector instruction or
// two.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "../../namespace.hpp"
#include "../../panels.hpp"
#include "../simd.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// What is summed at once.
template <class Arch, int rows, int vectors>
using tile = floats<Arch>[rows][vectors];

/// Enough to hide the latency of additions, and as square as can be, because every load of a factor
/// counts.
template <class Arch>
using square_tile = tile<Arch, 4, has_32_registers<Arch> ? 4 : 2>;

/// Whether the registers hold the even and the odd chains of two whole rows, and the factors.
template <class Arch>
inline constexpr bool holds_whole_rows = has_32_registers<Arch> && 4 * lanes<Arch> == block_cols;

/// What a visitor is shown: whole rows if they can be.
template <class Arch>
using visited_tile =
    std::conditional_t<holds_whole_rows<Arch>, tile<Arch, 2, 4>, square_tile<Arch>>;

/// Calls `visit(i, j)` for the vectors of a tile.
template <int rows, int vectors, class Visit>
[[gnu::always_inline]] inline void for_each_vector(const Visit& visit) {
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) visit(i, j);
}

/// Advances a chain of each vector of a tile by one step.
template <class Arch, class Unit, int rows, int vectors>
[[gnu::always_inline]] inline void advance_tile(const float* up, const float* down,
                                                tile<Arch, rows, vectors>& chains) {
  using vector = floats<Arch>;
  vector a[vectors];
#pragma GCC unroll 8
  for (int j = 0; j < vectors; ++j)
    a[j] = kept_in_register<Arch>(vector::load_aligned(down + j * lanes<Arch>));
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
    const vector b = kept_in_register<Arch>(vector(up[i]));
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j)
      chains[i][j] = Unit::template advance<Arch>(b, a[j], chains[i][j]);
  }
}

/// The sums of at most 32 ranks.
template <class Arch, class Unit, int rows, int vectors>
[[gnu::always_inline]] inline void sum_chains(const float* up, const float* down,
                                              std::ptrdiff_t steps,
                                              tile<Arch, rows, vectors>& sums) {
  constexpr int next_up = 2 * block_rows, next_down = 2 * block_cols;
  tile<Arch, rows, vectors> odd;
  for_each_vector<rows, vectors>(
      [&](int i, int j) { sums[i][j] = odd[i][j] = floats<Arch>(0.0f); });
  if constexpr (2 * rows * vectors <= 16 && has_32_registers<Arch>) {
    for (; steps > 0; steps -= 2, up += next_up, down += next_down) {
      advance_tile<Arch, Unit, rows, vectors>(up, down, sums);
      advance_tile<Arch, Unit, rows, vectors>(up + block_rows, down + block_cols, odd);
    }
  } else {
    // One after the other: the registers do not hold the chains of both and the factors.
    for (std::ptrdiff_t k = 0; k < steps / 2; ++k)
      advance_tile<Arch, Unit, rows, vectors>(up + k * next_up, down + k * next_down, sums);
    up += block_rows;
    down += block_cols;
    for (std::ptrdiff_t k = 0; k < steps / 2; ++k)
      advance_tile<Arch, Unit, rows, vectors>(up + k * next_up, down + k * next_down, odd);
  }
  for_each_vector<rows, vectors>([&](int i, int j) { sums[i][j] = sums[i][j] + odd[i][j]; });
}

/// Adds the sums of 32 ranks up to those of the ranks before, which are in memory.
template <class Arch, int rows, int vectors>
[[gnu::always_inline]] inline void add_before(const float* before,
                                              tile<Arch, rows, vectors>& sums) {
  for_each_vector<rows, vectors>([&](int i, int j) {
    sums[i][j] = floats<Arch>::load_aligned(before + i * block_cols + j * lanes<Arch>) + sums[i][j];
  });
}

/// Calls `visit(top, left)` for the tiles of a block.
template <class Arch, int rows, int vectors, class Visit>
[[gnu::always_inline]] inline void for_each_tile(const Visit& visit) {
  for (int left = 0; left < block_cols; left += vectors * lanes<Arch>)
    for (int top = 0; top < block_rows; top += rows) visit(top, left);
}

/// The sums of all ranks but the last 32 or fewer; returns where these begin. 32 at a time, whose
/// part of A stays in L1 from tile to tile: at rank 256 in fp32, all ranks of a tile at once took
/// 1.7 times as long.
template <class Arch, class Unit, int rows, int vectors>
[[gnu::noinline]] std::ptrdiff_t sum_first_ranks(const float* up, const float* down,
                                                 std::ptrdiff_t depth, tile<Arch, rows, vectors>*,
                                                 float* to) {
  std::ptrdiff_t first = 0;
  for (; first + Unit::chain_steps < depth; first += Unit::chain_steps)
    for_each_tile<Arch, rows, vectors>([&](int top, int left) __attribute__((always_inline)) {
      float* const before = to + top * block_cols + left;
      tile<Arch, rows, vectors> sums;
      sum_chains<Arch, Unit, rows, vectors>(
          up + first * block_rows + top, down + first * block_cols + left, Unit::chain_steps, sums);
      if (first > 0) add_before<Arch, rows, vectors>(before, sums);
      for_each_vector<rows, vectors>([&](int i, int j) {
        sums[i][j].store_aligned(before + i * block_cols + j * lanes<Arch>);
      });
    });
  return first;
}

template <class Arch, class Unit, int rows, int vectors, class Visit>
[[gnu::always_inline]] inline void visit_sums(const float* up, const float* down,
                                              std::ptrdiff_t depth, tile<Arch, rows, vectors>*,
                                              const Visit& visit) {
  alignas(64) float sums_before[block_size];
  const std::ptrdiff_t first = sum_first_ranks<Arch, Unit>(
      up, down, depth, static_cast<square_tile<Arch>*>(nullptr), sums_before);
  for_each_tile<Arch, rows, vectors>([&](int top, int left) __attribute__((always_inline)) {
    tile<Arch, rows, vectors> sums;
    sum_chains<Arch, Unit, rows, vectors>(up + first * block_rows + top,
                                          down + first * block_cols + left, depth - first, sums);
    if (first > 0) add_before<Arch, rows, vectors>(sums_before + top * block_cols + left, sums);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) visit(top + i, left, sums[i]);
  });
}

/// Hands the sums of a block to a visitor, tile by tile; `depth` is even.
template <class Arch, class Unit, class Visit>
[[gnu::always_inline]] inline void multiply_by_chains(const float* up, const float* down,
                                                      std::ptrdiff_t depth, const Visit& visit) {
  visit_sums<Arch, Unit>(up, down, depth, static_cast<visited_tile<Arch>*>(nullptr), visit);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
