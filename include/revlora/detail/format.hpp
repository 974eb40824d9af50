// From a type to its format and its bits, and from an element type named at run time to the type.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

#include "../element.hpp"
#include "namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// The format of one of revlora's own types.
template <element T>
struct format_of {
  using type = typename T::format;
};
template <>
struct format_of<float> {
  using type = fp32_format;
};
template <element T>
using format = typename format_of<T>::type;

template <element T>
constexpr std::uint32_t bits_of(T value) {
  if constexpr (std::same_as<T, float>)
    return std::bit_cast<std::uint32_t>(value);
  else
    return value.bits;
}

template <element T>
constexpr T from_bits(std::uint32_t bits) {
  if constexpr (std::same_as<T, float>)
    return std::bit_cast<float>(bits);
  else
    return T::from_bits(static_cast<decltype(T::bits)>(bits));
}

/// Calls `body` with a null pointer of the element type that `type` names.
template <class Body>
auto with_element(element_type type, const Body& body) {
  switch (type) {
    case element_type::fp32:
      return body(static_cast<const float*>(nullptr));
    case element_type::fp16:
      return body(static_cast<const f16*>(nullptr));
    case element_type::bf16:
      return body(static_cast<const bf16*>(nullptr));
    case element_type::e4m3:
      return body(static_cast<const e4m3*>(nullptr));
    default:
      return body(static_cast<const e5m2*>(nullptr));
  }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
