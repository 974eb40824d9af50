// A matrix somewhere in memory: row-major, with a stride between rows. Owns nothing.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "detail/namespace.hpp"
#include "element.hpp"

namespace revlora::inline REVLORA_NAMESPACE {

/// `rows × cols` elements of T; element (i, j) is `data[i * row_stride + j]`.
///
/// Extents and stride are in elements, not bytes, and signed, so that a wrong one can be seen and
/// named: nothing is checked here, everything where the view is used. An empty matrix may have null
/// data. T may be const; a view of T converts to a view of const T.
template <class T>
requires element<std::remove_const_t<T>>
struct matrix_view {
  T* data = nullptr;
  std::ptrdiff_t rows = 0;
  std::ptrdiff_t cols = 0;
  std::ptrdiff_t row_stride = 0;

  constexpr matrix_view() = default;
  constexpr matrix_view(T* elements, std::ptrdiff_t row_count, std::ptrdiff_t col_count)
      : matrix_view(elements, row_count, col_count, col_count) {}
  constexpr matrix_view(T* elements, std::ptrdiff_t row_count, std::ptrdiff_t col_count,
                        std::ptrdiff_t stride)
      : data(elements), rows(row_count), cols(col_count), row_stride(stride) {}

  template <class U>
  requires(std::same_as<const U, T>) constexpr matrix_view(matrix_view<U> other)
      : matrix_view(other.data, other.rows, other.cols, other.row_stride) {}
};

}  // namespace revlora::inline REVLORA_NAMESPACE
