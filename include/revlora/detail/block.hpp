// How a matrix is cut: panels of 16 rows, blocks of 64 columns, left to right. Work and the undo
// record follow this order, so neither depends on threads or vector width.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "../element.hpp"
#include "../matrix_view.hpp"

namespace revlora::inline v0::detail {

inline constexpr int block_rows = 16;
inline constexpr int block_cols = 64;
inline constexpr int block_size = block_rows * block_cols;

constexpr std::ptrdiff_t blocks_of(std::ptrdiff_t cols) {
  return (cols + block_cols - 1) / block_cols;
}
/// A matrix without elements has no panels.
constexpr std::ptrdiff_t panels_of(std::ptrdiff_t rows, std::ptrdiff_t cols) {
  return cols == 0 ? 0 : (rows + block_rows - 1) / block_rows;
}

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
  /// Writes 16×64 elements, less the padding, to the target.
  void store(const T* block) const {
    if (target == nullptr) return;
    if (is_whole())
      copy_block<T>(block, block_cols, target, target_stride);
    else
      copy_rows<T>(block, block_cols, target, target_stride, rows, cols);
  }
};

/// Fetches the block to the right. Rows are too far apart for the hardware to see the pattern
/// early.
template <class T>
void prefetch_next(const T* corner, std::ptrdiff_t row_stride, int rows) {
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < block_cols; j += 64 / static_cast<int>(sizeof(T)))
      __builtin_prefetch(corner + i * row_stride + block_cols + j, 0, 2);
}

/// What a pass that only reads writes to.
template <element T>
inline constexpr matrix_view<T> nowhere{};

inline constexpr auto all_blocks = std::numeric_limits<std::ptrdiff_t>::max();

/// Calls `visit(index, block)` for the blocks of a panel, or for the first `count` of them. Partial
/// blocks are read through padded scratch, so that a visitor knows one size only. `to` is `from`, a
/// matrix of the same shape that does not overlap it, or nowhere.
template <element T, class Visit>
void for_each_block(std::type_identity_t<matrix_view<const T>> from, matrix_view<T> to,
                    std::ptrdiff_t panel, const Visit& visit, std::ptrdiff_t count = all_blocks) {
  const std::ptrdiff_t top = panel * block_rows;
  const int rows = static_cast<int>(std::min<std::ptrdiff_t>(block_rows, from.rows - top));
  for (std::ptrdiff_t index = 0; index < std::min(count, blocks_of(from.cols)); ++index) {
    const std::ptrdiff_t left = index * block_cols;
    const int cols = static_cast<int>(std::min<std::ptrdiff_t>(block_cols, from.cols - left));
    const T* const corner = from.data + top * from.row_stride + left;
    T* const target = to.data == nullptr ? nullptr : to.data + top * to.row_stride + left;
    prefetch_next(corner, from.row_stride, rows);
    weight_block<T> block{corner, from.row_stride, target, to.row_stride, rows, cols};
    if (block.is_whole()) {
      visit(index, block);
    } else {
      alignas(64) T padded[block_size] = {};
      copy_rows<T>(corner, from.row_stride, padded, block_cols, rows, cols);
      block.source = padded;
      block.source_stride = block_cols;
      visit(index, block);
    }
  }
}

}  // namespace revlora::inline v0::detail
