// How a matrix is cut: panels of 16 rows, blocks of 64 columns, left to right. Work and the undo
// record follow this order, so neither depends on threads or vector width.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

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

/// One block of weights. All 16×64 elements can be read and written through `data`; those outside
/// `rows × cols` are padding, zero and not kept.
template <class T>
struct weight_block {
  T* data;
  std::ptrdiff_t row_stride;
  int rows;
  int cols;

  T* row(int i) const { return data + i * row_stride; }
  /// One bit for each column that is not padding.
  std::uint64_t valid_columns() const { return ~std::uint64_t{0} >> (block_cols - cols); }
  bool is_whole() const { return rows == block_rows && cols == block_cols; }
};

template <class T>
void copy_rows(const T* from, std::ptrdiff_t from_stride, T* to, std::ptrdiff_t to_stride, int rows,
               int cols) {
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

/// Fetches the block to the right. Rows are too far apart for the hardware to see the pattern
/// early.
template <class T>
void prefetch_next(weight_block<T> block) {
  for (int i = 0; i < block.rows; ++i)
    for (int j = 0; j < block_cols; j += 64 / static_cast<int>(sizeof(T)))
      __builtin_prefetch(block.row(i) + block_cols + j, 0, 2);
}

/// Calls `visit(index, block)` for each block of a panel. Partial blocks go through padded scratch,
/// so that a visitor knows one size only; they are copied back unless T is const.
template <class T, class Visit>
void for_each_block(matrix_view<T> w, std::ptrdiff_t panel, const Visit& visit) {
  using value = std::remove_const_t<T>;
  const std::ptrdiff_t top = panel * block_rows;
  const int rows = static_cast<int>(std::min<std::ptrdiff_t>(block_rows, w.rows - top));
  for (std::ptrdiff_t index = 0; index < blocks_of(w.cols); ++index) {
    const std::ptrdiff_t left = index * block_cols;
    const int cols = static_cast<int>(std::min<std::ptrdiff_t>(block_cols, w.cols - left));
    T* const corner = w.data + top * w.row_stride + left;
    const weight_block<T> block{corner, w.row_stride, rows, cols};
    prefetch_next(block);
    if (block.is_whole()) {
      visit(index, block);
    } else {
      alignas(64) value scratch[block_size] = {};
      copy_rows<value>(corner, w.row_stride, scratch, block_cols, rows, cols);
      visit(index, weight_block<T>{scratch, block_cols, rows, cols});
      if constexpr (!std::is_const_v<T>)
        copy_rows<value>(scratch, block_cols, corner, w.row_stride, rows, cols);
    }
  }
}

}  // namespace revlora::inline v0::detail
