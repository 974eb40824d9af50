/// \file
/// A matrix somewhere in memory whose element type is known only at run time. Owns nothing.
///
///     any_matrix(data, element_type::bf16, rows, cols)     row-major; strides as in matrix_view
///     any_matrix W = matrix_view(data, rows, cols);        any typed view
///     W.transposed(), W.row_slice(…), W.column_slice(…)    as there
///     W.scaled_by(scales)                                  fp8 weights, as checkpoints store them
///
/// any_matrix is for weights, which calls change; any_const_matrix for factors, and for weights
/// that are only read.
#pragma once

#include <cstddef>
#include <type_traits>

#include "detail/namespace.hpp"
#include "detail/plain.hpp"
#include "detail/refuse.hpp"
#include "detail/strided.hpp"
#include "detail/views.hpp"
#include "element.hpp"
#include "matrix_view.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// `rows × cols` elements of `type`, with strides in elements. `Byte` is std::byte, or const if
/// they are only read. As in matrix_view nothing is checked here but slices and scales.
template <class Byte>
class basic_any_matrix {
  using pointer = std::conditional_t<std::is_const_v<Byte>, const void*, void*>;

 public:
  /// An empty matrix of fp32.
  constexpr basic_any_matrix() : basic_any_matrix(nullptr, element_type::fp32, 0, 0) {}
  /// Row-major, the rows one behind the other.
  constexpr basic_any_matrix(pointer data, element_type type, std::ptrdiff_t rows,
                             std::ptrdiff_t cols)
      : basic_any_matrix(data, type, rows, cols, cols) {}
  /// With any strides; row-major if only that of the rows is given.
  constexpr basic_any_matrix(pointer data, element_type type, std::ptrdiff_t rows,
                             std::ptrdiff_t cols, std::ptrdiff_t row_stride,
                             std::ptrdiff_t col_stride = 1)
      : weights_{{const_cast<void*>(static_cast<const void*>(data)),
                  static_cast<std::uint8_t>(type), rows, cols, row_stride, col_stride},
                 {},
                 0,
                 0} {}

  /// The same matrix.
  template <class T>
  requires(std::is_const_v<Byte> ||
           !std::is_const_v<T>) constexpr basic_any_matrix(matrix_view<T> m)
      : basic_any_matrix(m.data, element_type_of<std::remove_const_t<T>>, m.rows, m.cols,
                         m.row_stride, m.col_stride) {}

  /// A matrix that is only read may be one that could be written.
  template <class Other>
  requires(std::is_const_v<Byte> &&
           !std::is_const_v<Other>) constexpr basic_any_matrix(basic_any_matrix<Other> other)
      : weights_(other.to_plain()) {}

  /// Of what tells its shape and strides as std::mdspan or as Eigen's matrices, maps and blocks do.
  template <class Matrix>
  requires detail::strided<Matrix, detail::element_of_strided<Matrix>>
  constexpr basic_any_matrix(Matrix&& matrix)
      : basic_any_matrix(matrix_view<detail::element_of_strided<Matrix>>(matrix)) {}

  constexpr pointer data() const { return weights_.elements.data; }  ///< element (0, 0)
  constexpr element_type type() const {                              ///< of the elements
    return static_cast<element_type>(weights_.elements.type);
  }
  constexpr std::ptrdiff_t rows() const { return weights_.elements.rows; }  ///< d_out of a weight
  constexpr std::ptrdiff_t cols() const { return weights_.elements.cols; }  ///< d_in of a weight
  constexpr std::ptrdiff_t row_stride() const {  ///< in elements, from a row to the next
    return weights_.elements.row_stride;
  }
  constexpr std::ptrdiff_t col_stride() const {  ///< in elements, from a column to the next
    return weights_.elements.col_stride;
  }

  /// Element (i, j) of the transpose is (j, i) of this one.
  constexpr basic_any_matrix transposed() const {
    basic_any_matrix other = *this;
    other.weights_ = detail::transposed(weights_);
    return other;
  }
  /// Rows `first` … `first + count − 1`, with their scales. Throws invalid_input if there are not
  /// so many, or if a scale is shared by some that are in and some that are not.
  basic_any_matrix row_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    detail::require(validate_row_slice(first, count));
    basic_any_matrix other = *this;
    other.weights_ = detail::row_slice(weights_, first, count);
    return other;
  }
  /// Columns `first` … `first + count − 1`, likewise.
  basic_any_matrix column_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    detail::require(validate_column_slice(first, count));
    basic_any_matrix other = transposed();
    other.weights_ = detail::transposed(detail::row_slice(other.weights_, first, count));
    return other;
  }
  /// What `row_slice(first, count)` would refuse.
  validation validate_row_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return detail::check_slice("rows", first, count, weights_);
  }
  /// What `column_slice(first, count)` would refuse.
  validation validate_column_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return detail::check_slice("columns", first, count, detail::transposed(weights_));
  }

  /// These weights of 8 bits, which are stored divided by scales: a number w means w · scale. What
  /// is merged into them is divided by the scale (revlora.hpp); the scale stays.
  ///
  /// `scales` are positive numbers of fp32, fp16 or bf16, and tell by their shape whose they are:
  /// 1×1 of the whole matrix, rows×1 of each row, or ⌈rows/128⌉×⌈cols/128⌉ of each block of
  /// 128×128. They must outlive the calls that use them. Throws invalid_input for any other shape.
  /// What checkpoints call `weight_scale_inv` is such a scale too, not its inverse.
  basic_any_matrix scaled_by(basic_any_matrix<const std::byte> scales) const {
    basic_any_matrix other = *this;
    detail::require(detail::check_scale_shape(weights_, scales.to_plain().elements));
    other.weights_ = detail::scaled(weights_, scales.to_plain().elements);
    return other;
  }

  /// As it crosses the border of a call: for the doors.
  constexpr const plain::weights& to_plain() const { return weights_; }

 private:
  plain::weights weights_;
};

using any_matrix = basic_any_matrix<std::byte>;              ///< to be changed
using any_const_matrix = basic_any_matrix<const std::byte>;  ///< to be read

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
