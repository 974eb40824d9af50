/// \file
/// A matrix somewhere in memory, with strides. Owns nothing.
///
///     matrix_view(data, rows, cols)                    row-major
///     matrix_view(data, rows, cols, row_stride)        row-major, with something between the rows
///     matrix_view(vector, rows, cols)                  a std::vector, std::span or the like
///     matrix_view(mdspan), matrix_view(eigen_map)      whatever tells its shape and strides
///     m.transposed()                                   the same memory, read the other way
///     m.row_slice(first, count), m.column_slice(…)     q of a fused qkv, a shard of a layer
#pragma once

#include <concepts>
#include <cstddef>
#include <ranges>
#include <type_traits>

#include "detail/namespace.hpp"
#include "detail/refuse.hpp"
#include "detail/strided.hpp"
#include "element.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// `rows × cols` elements of T; element (i, j) is `data[i * row_stride + j * col_stride]`.
///
/// Extents and strides are in elements, not bytes, and signed, so that a wrong one can be seen and
/// named: nothing is checked here that can be checked where the view is used. An empty matrix may
/// have null data. T may be const; a view of T converts to a view of const T.
///
/// Weights must be row-major (`col_stride` 1, any row stride of at least `cols`); the transpose of
/// column-major weights is. Factors may lie in either order, with any strides that let rows or
/// columns lie apart.
template <class T>
requires element<std::remove_const_t<T>>
struct matrix_view {
  T* data = nullptr;              ///< element (0, 0)
  std::ptrdiff_t rows = 0;        ///< d_out of a weight
  std::ptrdiff_t cols = 0;        ///< d_in of a weight
  std::ptrdiff_t row_stride = 0;  ///< in elements, from a row to the next
  std::ptrdiff_t col_stride = 1;  ///< in elements, from a column to the next

  /// An empty matrix.
  constexpr matrix_view() = default;
  /// Row-major, the rows one behind the other.
  constexpr matrix_view(T* elements, std::ptrdiff_t row_count, std::ptrdiff_t col_count)
      : matrix_view(elements, row_count, col_count, col_count) {}
  /// With any strides; row-major if only that of the rows is given.
  constexpr matrix_view(T* elements, std::ptrdiff_t row_count, std::ptrdiff_t col_count,
                        std::ptrdiff_t stride_of_rows, std::ptrdiff_t stride_of_columns = 1)
      : data(elements),
        rows(row_count),
        cols(col_count),
        row_stride(stride_of_rows),
        col_stride(stride_of_columns) {}

  /// Row-major, in a std::vector, std::span, std::array that lives on. Throws invalid_input if that
  /// has not exactly `row_count · col_count` elements.
  template <class Range>
  requires detail::numbers_in<Range, T> matrix_view(Range&& elements, std::ptrdiff_t row_count,
                                                    std::ptrdiff_t col_count)
      : matrix_view(std::ranges::data(elements), row_count, col_count) {
    detail::require(detail::check_count(std::ranges::ssize(elements), row_count, col_count));
  }

  /// Of what tells its shape and strides as std::mdspan or as Eigen's matrices, maps and blocks do.
  template <class Matrix>
  requires detail::strided<Matrix, T>
  constexpr matrix_view(Matrix&& matrix) {
    const detail::strides_of strides(matrix);
    *this = {detail::data_of(matrix), strides.rows, strides.cols, strides.row_stride,
             strides.col_stride};
  }

  /// A view of T is one of const T.
  template <class U>
  requires(std::same_as<const U, T>) constexpr matrix_view(matrix_view<U> other)
      : matrix_view(other.data, other.rows, other.cols, other.row_stride, other.col_stride) {}

  /// Element (i, j) of the transpose is (j, i) of this one.
  constexpr matrix_view transposed() const { return {data, cols, rows, col_stride, row_stride}; }

  /// Rows `first` … `first + count − 1`. Throws invalid_input if there are not so many.
  matrix_view row_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    detail::require(validate_row_slice(first, count));
    return {detail::behind(data, first * row_stride), count, cols, row_stride, col_stride};
  }
  /// Columns `first` … `first + count − 1`. Throws invalid_input if there are not so many.
  matrix_view column_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    detail::require(validate_column_slice(first, count));
    return {detail::behind(data, first * col_stride), rows, count, row_stride, col_stride};
  }

  /// What `row_slice(first, count)` would refuse.
  validation validate_row_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return detail::check_slice("rows", first, count, rows);
  }
  /// What `column_slice(first, count)` would refuse.
  validation validate_column_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return detail::check_slice("columns", first, count, cols);
  }
};

/// The elements' type is that of the range's; const, if they are.
template <std::ranges::borrowed_range Range>
matrix_view(Range&&, std::ptrdiff_t, std::ptrdiff_t)
    -> matrix_view<std::remove_reference_t<std::ranges::range_reference_t<Range>>>;
/// The elements' type is that of the matrix's; const, if they are.
template <class Matrix>
matrix_view(Matrix&&) -> matrix_view<detail::element_of_strided<Matrix>>;

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
