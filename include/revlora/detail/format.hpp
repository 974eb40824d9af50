// How the bits of an element are laid out, in the low bits of a word.
#pragma once

#include <bit>
#include <cstdint>

#include "../element.hpp"
#include "namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <element T>
struct layout;
template <>
struct layout<float> {
  static constexpr int width = 32;
  static constexpr std::uint32_t magnitude = 0x7fffffff, infinity = 0x7f800000, nan = 0x7fc00000;
};
template <>
struct layout<f16> {
  static constexpr int width = 16;
  static constexpr std::uint32_t magnitude = 0x7fff, infinity = 0x7c00, nan = 0x7e00;
};
template <>
struct layout<bf16> {
  static constexpr int width = 16;
  static constexpr std::uint32_t magnitude = 0x7fff, infinity = 0x7f80, nan = 0x7fc0;
};

inline std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
inline std::uint32_t bits_of(f16 value) {
  return value.bits;
}
inline std::uint32_t bits_of(bf16 value) {
  return value.bits;
}

template <element T>
T from_bits(std::uint32_t bits) {
  if constexpr (std::same_as<T, float>)
    return std::bit_cast<float>(bits);
  else
    return T{static_cast<std::uint16_t>(bits)};
}

/// Calls `body` with a null pointer of the element type that `type` names.
template <class Body>
auto with_element(element_type type, const Body& body) {
  switch (type) {
    case element_type::fp32:
      return body(static_cast<const float*>(nullptr));
    case element_type::fp16:
      return body(static_cast<const f16*>(nullptr));
    default:
      return body(static_cast<const bf16*>(nullptr));
  }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
