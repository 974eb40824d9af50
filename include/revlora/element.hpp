// The three ways a number is stored: IEEE binary32, IEEE binary16 and bfloat16.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "detail/namespace.hpp"

namespace revlora::inline REVLORA_NAMESPACE {

static_assert(std::endian::native == std::endian::little,
              "revlora: checksums and undo records are defined on little-endian memory");

/// IEEE binary16 (1 sign, 5 exponent, 10 mantissa bits). Storage only: no arithmetic.
struct f16 {
  std::uint16_t bits;
  friend constexpr bool operator==(f16, f16) = default;  ///< compares bits, so NaN equals itself
};

/// bfloat16 (1 sign, 8 exponent, 7 mantissa bits): the upper half of a binary32. Storage only.
struct bf16 {
  std::uint16_t bits;
  friend constexpr bool operator==(bf16, bf16) = default;  ///< compares bits
};

static_assert(sizeof(f16) == 2 && sizeof(bf16) == 2 && sizeof(float) == 4);

/// A type that weights and factors may have.
template <class T>
concept element = std::same_as<T, float> || std::same_as<T, f16> || std::same_as<T, bf16>;

/// The run-time name of an element type. The values are part of the undo record's format.
enum class element_type : std::uint8_t { fp32 = 0, fp16 = 1, bf16 = 2 };

template <element T>
inline constexpr element_type element_type_of = std::same_as<T, float> ? element_type::fp32
                                                : std::same_as<T, f16> ? element_type::fp16
                                                                       : element_type::bf16;

/// "fp32", "fp16" or "bf16".
constexpr const char* name_of(element_type type) {
  return type == element_type::fp32 ? "fp32" : type == element_type::fp16 ? "fp16" : "bf16";
}

/// Bytes of one element: 4 or 2.
constexpr std::size_t size_of(element_type type) {
  return type == element_type::fp32 ? 4 : 2;
}

}  // namespace revlora::inline REVLORA_NAMESPACE
