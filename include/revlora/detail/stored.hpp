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

template <element_type>
struct number_type;
template <>
struct number_type<element_type::fp32> {
  using type = float;
};
template <>
struct number_type<element_type::fp16> {
  using type = f16;
};
template <>
struct number_type<element_type::bf16> {
  using type = bf16;
};
template <>
struct number_type<element_type::e4m3> {
  using type = e4m3;
};
template <>
struct number_type<element_type::e5m2> {
  using type = e5m2;
};
template <element T>
using stored_type = typename number_type<element_type_of<T>>::type;

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
