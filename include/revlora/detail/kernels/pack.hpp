// Packs factors in the order in which the delta kernels read them.
//
// Everything is made of 32-bit steps: an element, widened to fp32, or two elements of bf16.
//
//   fused, exact_products   the ranks in ascending order, to an even number of them
//   bf16_pairs              k in the high half and k + 2 in the low, then k + 1 and k + 3: one
//                           VDPBF16PS advances a chain by two ranks in ascending order
//   bf16_tiles              k in the low half and k + 1 in the high: 16 steps make a tile, and the
//                           ranks are filled up to a multiple of 32; up to 32 ranks make one tile
//                           of as many steps as they need
//
// The ranks that are missing are zeros: a product of zeros may turn a chain's −0 into +0, but both
// vanish when the chain is added to a sum that is never −0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "../strided.hpp"
#include "convert.hpp"
#include "stored_weights.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::arithmetic;
using kernel_interface::factor;
using kernel_interface::magnitudes;

/// Steps that are packed together, and the ranks in them.
struct step_group {
  int ranks, steps;

  step_group(arithmetic how, std::ptrdiff_t rank)
      : ranks(how == arithmetic::bf16_pairs ? 4 : 2), steps(2) {
    if (how != arithmetic::bf16_tiles) return;
    steps = static_cast<int>(std::min<std::ptrdiff_t>(16, (rank + 1) / 2));
    ranks = 2 * steps;
  }
};

/// The extremes of what elements there are, zeros left out. Loops that compilers make vectors of.
template <element T>
class extremes {
 public:
  void add(const T* from, std::ptrdiff_t count) {
    using bits = std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint32_t>;
    bits smallest = static_cast<bits>(smallest_), largest = static_cast<bits>(largest_);
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const auto magnitude = static_cast<bits>(bits_of(from[i]) & format<T>::magnitude);
      smallest = std::min(smallest, static_cast<bits>(magnitude - 1));  // zero becomes the largest
      largest = std::max(largest, magnitude);
    }
    smallest_ = smallest;
    largest_ = largest;
  }
  magnitudes found() const {
    const std::uint32_t smallest = smallest_ + 1;
    return {smallest > format<T>::magnitude ? std::numeric_limits<std::uint32_t>::max()
                                            : as_words(widen<T>(smallest)),
            as_words(widen<T>(largest_))};
  }

 private:
  std::uint32_t smallest_ = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t largest_ = 0;
};

/// `to ← low | high << 16` for a row of 64 columns, in the order of D's columns.
template <bool splits>
void put_halves(const bf16* low, const bf16* high, std::uint32_t* to) {
  if constexpr (splits) {
    std::uint32_t lows[block_cols / 2], highs[block_cols / 2];
    std::memcpy(lows, low, sizeof lows);
    std::memcpy(highs, high, sizeof highs);
    for (int j = 0; j < block_cols / 2; ++j) {
      to[j] = (lows[j] & 0xffff) | highs[j] << 16;
      to[j + block_cols / 2] = lows[j] >> 16 | (highs[j] & 0xffff0000u);
    }
  } else {
    for (int j = 0; j < block_cols; ++j)
      to[j] = low[j].bits | static_cast<std::uint32_t>(high[j].bits) << 16;
  }
}

/// A row of 64 columns widened, in the order of D's columns.
template <bool splits, element T>
void put_widened(const T* from, float* to) {
  float in_order[block_cols];
  for (int j = 0; j < block_cols; ++j) in_order[j] = widen<T>(bits_of(from[j]));
  for (int j = 0; j < block_cols; ++j)
    to[splits ? (j & 1) * (block_cols / 2) + j / 2 : j] = in_order[j];
}

/// The steps of a group of rows of A.
template <bool splits, element T>
void put_steps(const T (*rows)[block_cols], arithmetic how, int steps, float* to) {
  if constexpr (std::same_as<T, bf16>) {
    std::uint32_t words[block_cols];
    if (how == arithmetic::bf16_pairs) {
      for (int step = 0; step < 2; ++step) {
        put_halves<splits>(rows[step + 2], rows[step], words);
        std::memcpy(to + step * block_cols, words, sizeof words);
      }
      return;
    }
    if (how == arithmetic::bf16_tiles) {
      // Four tiles of 16 columns, one after the other.
      for (int step = 0; step < steps; ++step) {
        put_halves<splits>(rows[2 * step], rows[2 * step + 1], words);
        for (int tile = 0; tile < 4; ++tile)
          std::memcpy(to + (tile * steps + step) * 16, words + tile * 16, 64);
      }
      return;
    }
  }
  for (int step = 0; step < 2; ++step) put_widened<splits>(rows[step], to + step * block_cols);
}

/// The pack_down kernel.
template <element W>
magnitudes pack_down(const factor& a, arithmetic how, std::ptrdiff_t block, float* to) {
  return with_element(static_cast<element_type>(a.type), [&]<class T>(const T*) {
    const std::ptrdiff_t left = block * block_cols;
    const auto cols = std::min<std::ptrdiff_t>(block_cols, a.cols - left);
    const step_group group(how, a.rows);
    extremes<T> seen;
    for (std::ptrdiff_t k = 0; k < a.rows; k += group.ranks) {
      T rows[32][block_cols];
      for (int i = 0; i < group.ranks; ++i) {
        if (cols < block_cols || k + i >= a.rows) std::memset(rows[i], 0, sizeof rows[i]);
        if (k + i >= a.rows) continue;
        gather(static_cast<const T*>(a.data) + (k + i) * a.row_stride + left * a.col_stride,
               a.col_stride, cols, rows[i]);
        seen.add(rows[i], block_cols);
      }
      put_steps<splits_columns<W>>(rows, how, group.steps, to);
      to += group.steps * block_cols;
    }
    return seen.found();
  });
}

/// The steps of some ranks of a row of B, each step 16 numbers behind the one before: the kernels
/// broadcast the 16 rows of a step one after the other, and are half as fast if these lie far
/// apart.
template <element T>
void put_row(const T* from, int ranks, arithmetic how, float* to) {
  if constexpr (std::same_as<T, bf16>) {
    if (how == arithmetic::bf16_pairs) {
      for (int k = 0; k < ranks; k += 4)
        for (int step = 0; step < 2; ++step, to += block_rows)
          *to = as_floats(from[k + step + 2].bits | static_cast<std::uint32_t>(from[k + step].bits)
                                                        << 16);
      return;
    }
  }
  for (int k = 0; k < ranks; ++k) to[k * block_rows] = widen<T>(bits_of(from[k]));
}

/// The pack_up kernel: a panel of B step by step, or, of tiles, one after the other.
inline magnitudes pack_up(const factor& b, arithmetic how, std::ptrdiff_t panel, float* to) {
  return with_element(static_cast<element_type>(b.type), [&]<class T>(const T*) {
    constexpr int most_ranks = 32;  // at a time
    const std::ptrdiff_t top = panel * block_rows;
    const auto rows = static_cast<int>(std::min<std::ptrdiff_t>(block_rows, b.rows - top));
    const step_group group(how, b.cols);
    extremes<T> seen;
    for (std::ptrdiff_t k = 0; k < b.cols;) {
      const auto count = static_cast<int>(std::min<std::ptrdiff_t>(most_ranks, b.cols - k));
      const int groups = (count + group.ranks - 1) / group.ranks;
      const int steps = groups * group.steps;
      for (int i = 0; i < block_rows; ++i) {
        T ranks[most_ranks] = {};
        if (i < rows) {
          gather(static_cast<const T*>(b.data) + (top + i) * b.row_stride + k * b.col_stride,
                 b.col_stride, count, ranks);
          seen.add(ranks, most_ranks);
        }
        if (how == arithmetic::bf16_tiles)
          std::memcpy(to + i * steps, ranks, static_cast<std::size_t>(steps) * sizeof(float));
        else
          put_row(ranks, groups * group.ranks, how, to + i);
      }
      k += count;
      to += block_rows * steps;
    }
    return seen.found();
  });
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
