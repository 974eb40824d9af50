// Packs factors in the order in which a unit reads them, which is for the unit to say. Everything
// is made of 32-bit steps.
//
// Ranks that are missing in a group of steps are zeros: their products may turn a chain's −0 into
// +0, but a sum that is zero counts as +0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "../../element.hpp"
#include "../format.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "../strided.hpp"
#include "convert.hpp"
#include "units/unit.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::factor;

/// The extremes of what elements there are, zeros left out. Loops that compilers make vectors of.
template <element T>
class extremes {
 public:
  void add(const T* from, std::ptrdiff_t count) {
    using bits = decltype(pattern_of(T{}));
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
  /// Of the width of the element, so that a vector holds as many as can be.
  static auto pattern_of(T) {
    if constexpr (sizeof(T) == 4)
      return std::uint32_t{};
    else if constexpr (sizeof(T) == 2)
      return std::uint16_t{};
    else
      return std::uint8_t{};
  }

  std::uint32_t smallest_ = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t largest_ = 0;
};

/// Calls `pack` with a null pointer of the factor's type. Of a type that the unit does not take
/// nothing is packed, and the magnitudes are such that nothing but `fused` is exact.
template <class Unit, class Pack>
magnitudes pack_typed(const factor& from, const Pack& pack) {
  return with_element(static_cast<element_type>(from.type), [&]<class T>(const T* type) {
    if constexpr (Unit::template takes<T>)
      return pack(type);
    else
      return magnitudes{1, std::numeric_limits<std::uint32_t>::max()};
  });
}

inline constexpr int most_ranks = 32;  // that are packed at once

/// Packs columns 64·block … of A.
template <class Unit>
magnitudes pack_down(const factor& a, bool splits_columns, std::ptrdiff_t block, float* to) {
  return pack_typed<Unit>(a, [&]<class T>(const T*) {
    const std::ptrdiff_t left = block * block_cols;
    const auto cols = std::min<std::ptrdiff_t>(block_cols, a.cols - left);
    const step_group group = Unit::group_of(a.rows);
    extremes<T> seen;
    for (std::ptrdiff_t k = 0; k < a.rows; k += group.ranks) {
      T ranks[most_ranks][block_cols];
      for (int i = 0; i < group.ranks; ++i) {
        if (cols < block_cols || k + i >= a.rows) std::memset(ranks[i], 0, sizeof ranks[i]);
        if (k + i >= a.rows) continue;
        gather(static_cast<const T*>(a.data) + (k + i) * a.row_stride + left * a.col_stride,
               a.col_stride, cols, ranks[i]);
        seen.add(ranks[i], block_cols);
      }
      Unit::put_down(ranks, group.steps, splits_columns, to);
      to += group.steps * block_cols;
    }
    return seen.found();
  });
}

/// Packs rows 16·panel … of B. The 16 rows of a step lie side by side where a unit broadcasts them
/// one after the other: far apart they take twice as long.
template <class Unit>
magnitudes pack_up(const factor& b, std::ptrdiff_t panel, float* to) {
  return pack_typed<Unit>(b, [&]<class T>(const T*) {
    const std::ptrdiff_t top = panel * block_rows;
    const auto rows = static_cast<int>(std::min<std::ptrdiff_t>(block_rows, b.rows - top));
    const step_group group = Unit::group_of(b.cols);
    extremes<T> seen;
    for (std::ptrdiff_t k = 0; k < b.cols;) {
      const auto count = static_cast<int>(std::min<std::ptrdiff_t>(most_ranks, b.cols - k));
      const int steps = (count + group.ranks - 1) / group.ranks * group.steps;
      T ranks[block_rows][most_ranks];
      if (rows < block_rows || count < most_ranks) std::memset(ranks, 0, sizeof ranks);
      for (int row = 0; row < rows; ++row)
        gather(static_cast<const T*>(b.data) + (top + row) * b.row_stride + k * b.col_stride,
               b.col_stride, count, ranks[row]);
      seen.add(ranks[0], block_rows * most_ranks);
      float in_rows[block_rows][most_ranks];
      for (int row = 0; row < block_rows; ++row) Unit::put_up(ranks[row], steps, in_rows[row]);
      if constexpr (Unit::broadcasts_up) {
        for (int step = 0; step < steps; ++step)
          for (int row = 0; row < block_rows; ++row) *to++ = in_rows[row][step];
      } else {
        for (int row = 0; row < block_rows; ++row, to += steps)
          std::memcpy(to, in_rows[row], static_cast<std::size_t>(steps) * sizeof(float));
      }
      k += count;
    }
    return seen.found();
  });
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
