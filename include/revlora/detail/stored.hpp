// Adopted element types as revlora's own, which are all that there are from the border on.
#pragma once

#include <type_traits>

#include "../element.hpp"
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

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
