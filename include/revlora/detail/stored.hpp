// Adopted element types as revlora's own: from the border on there are three.
#pragma once

#include <concepts>
#include <type_traits>

#include "../element.hpp"
#include "../matrix_view.hpp"
#include "namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <element T>
using stored_type =
    std::conditional_t<std::same_as<T, float>, float,
                       std::conditional_t<element_type_of<T> == element_type::fp16, f16, bf16>>;

/// The same memory, for writing.
template <element T>
matrix_view<stored_type<T>> as_stored(matrix_view<T> m) {
  return {reinterpret_cast<stored_type<T>*>(m.data), m.rows, m.cols, m.row_stride, m.col_stride};
}
/// The same memory, for reading.
template <class T>
auto as_source(matrix_view<T> m) {
  using stored = const stored_type<std::remove_const_t<T>>;
  return matrix_view<stored>(reinterpret_cast<stored*>(m.data), m.rows, m.cols, m.row_stride,
                             m.col_stride);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
