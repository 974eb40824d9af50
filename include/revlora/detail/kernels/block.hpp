// The blocks of a panel, as the kernels visit them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "../../element.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <class T>
void copy_rows(const T* from, std::ptrdiff_t from_stride, T* to, std::ptrdiff_t to_stride, int rows,
               std::ptrdiff_t cols) {
  for (int i = 0; i < rows; ++i)
    std::memcpy(to + i * to_stride, from + i * from_stride,
                static_cast<std::size_t>(cols) * sizeof(T));
}

/// Copies 16×64 elements.
template <class T>
void copy_block(const T* from, std::ptrdiff_t from_stride, T* to, std::ptrdiff_t to_stride) {
  for (int i = 0; i < block_rows; ++i)
    std::memcpy(to + i * to_stride, from + i * from_stride, block_cols * sizeof(T));
}

/// One block of weights: where it is read from and where it is written to, which may be the same.
///
/// All 16×64 elements of `source` can be read; those outside `rows × cols` are padding, and zero.
/// Only `rows × cols` elements of `target` are there. Without a target the block is only read.
template <element T>
struct weight_block {
  const T* source;
  std::ptrdiff_t source_stride;
  T* target;
  std::ptrdiff_t target_stride;
  int rows;
  int cols;

  const T* row(int i) const { return source + i * source_stride; }
  bool is_whole() const { return rows == block_rows && cols == block_cols; }

  /// One bit for each column of a row that is not padding.
  std::uint64_t valid_columns(int row) const {
    return row < rows ? ~std::uint64_t{0} >> (block_cols - cols) : 0;
  }
  /// Lets 16×64 elements without gaps be the source.
  void read_from(const T* scratch) {
    source = scratch;
    source_stride = block_cols;
  }
  /// Writes the source, less the padding, to the target.
  void store() const {
    if (target == nullptr || target == source) return;
    if (is_whole())
      copy_block<T>(source, source_stride, target, target_stride);
    else
      copy_rows<T>(source, source_stride, target, target_stride, rows, cols);
  }
};

/// Fetches what lies to the right of a row of a block: the row of the next but one, which is 3 %
/// faster than that of the next. Rows are too far apart for the hardware to see the pattern early;
/// and all rows at once would wait for each other.
template <class T>
[[gnu::always_inline]] inline void prefetch_right(const T* row) {
  constexpr std::uintptr_t line = 64, row_bytes = block_cols * sizeof(T);
  const auto next = reinterpret_cast<std::uintptr_t>(row) + 2 * row_bytes;  // may be no element
  for (std::uintptr_t at = 0; at < row_bytes; at += line)
    __builtin_prefetch(reinterpret_cast<const void*>(next + at), 0, 3);
}

using kernel_interface::block_range;

inline constexpr block_range all_blocks{0, std::numeric_limits<std::ptrdiff_t>::max()};

/// The blocks of a panel that have 16 rows and 64 columns: so many, from the first one on.
inline std::ptrdiff_t whole_blocks_of(const kernel_interface::weights& w, std::ptrdiff_t panel) {
  return (panel + 1) * block_rows <= w.rows ? w.cols / block_cols : 0;
}

/// Calls `visit(index, block)`, which returns whether to go on, for the blocks of a panel that are
/// in a range. Partial blocks are read through padded scratch, so that a visitor knows one size
/// only.
template <element T, class Visit>
void for_each_block(const kernel_interface::weights& w, std::ptrdiff_t panel, block_range range,
                    const Visit& visit) {
  const std::ptrdiff_t top = panel * block_rows;
  const int rows = static_cast<int>(std::min<std::ptrdiff_t>(block_rows, w.rows - top));
  const T* const source = static_cast<const T*>(w.from) + top * w.from_stride;
  T* const target = w.to == nullptr ? nullptr : static_cast<T*>(w.to) + top * w.to_stride;
  const std::ptrdiff_t end = std::min(range.end, blocks_of(w.cols));
  for (std::ptrdiff_t index = range.first; index < end; ++index) {
    const std::ptrdiff_t left = index * block_cols;
    const int cols = static_cast<int>(std::min<std::ptrdiff_t>(block_cols, w.cols - left));
    weight_block<T> block{source + left, w.from_stride, target == nullptr ? nullptr : target + left,
                          w.to_stride,   rows,          cols};
    // One call, because what is inlined twice takes twice as long to compile.
    alignas(64) T padded[block_size];
    if (!block.is_whole()) {
      std::memset(padded, 0, sizeof padded);
      copy_rows<T>(block.source, w.from_stride, padded, block_cols, rows, cols);
      block.read_from(padded);
    }
    if (!visit(index, block)) return;
  }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
