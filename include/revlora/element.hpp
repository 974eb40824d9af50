// The three ways a number is stored, IEEE binary32, IEEE binary16 and bfloat16, and the types that
// hold them: revlora's own, the compiler's, Eigen's, yours.
//
// A 16-bit type of your own is adopted by one line, in the global namespace:
//
//   template <>
//   struct revlora::element_traits<engine::half> : revlora::stored_as<revlora::element_type::fp16>
//   {};
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "detail/namespace.hpp"

// Eigen's, where Eigen is included: the names suffice.
namespace Eigen {
struct half;
struct bfloat16;
}  // namespace Eigen

namespace revlora {
inline namespace REVLORA_NAMESPACE {

static_assert(std::endian::native == std::endian::little,
              "revlora: checksums and undo records are defined on little-endian memory");

/// IEEE binary16 (1 sign, 5 exponent, 10 mantissa bits). Storage only: no arithmetic. Memory that
/// holds numbers of another type with these bits may be read and written through it.
struct [[gnu::may_alias]] f16 {
  std::uint16_t bits;                                    ///< from the sign down
  friend constexpr bool operator==(f16, f16) = default;  ///< compares bits, so NaN equals itself
};

/// bfloat16 (1 sign, 8 exponent, 7 mantissa bits): the upper half of a binary32. Storage only, and
/// for memory of other types, as f16.
struct [[gnu::may_alias]] bf16 {
  std::uint16_t bits;                                      ///< from the sign down
  friend constexpr bool operator==(bf16, bf16) = default;  ///< compares bits
};

static_assert(sizeof(f16) == 2 && sizeof(bf16) == 2 && sizeof(float) == 4);

/// The run-time name of an element type. The values are part of the undo record's format.
enum class element_type : std::uint8_t {
  fp32 = 0,  ///< IEEE binary32
  fp16 = 1,  ///< IEEE binary16
  bf16 = 2,  ///< bfloat16
};

/// "fp32", "fp16" or "bf16".
constexpr const char* name_of(element_type type) {
  return type == element_type::fp32 ? "fp32" : type == element_type::fp16 ? "fp16" : "bf16";
}

/// Bytes of one element: 4 or 2.
constexpr std::size_t size_of(element_type type) {
  return type == element_type::fp32 ? 4 : 2;
}

/// Base of the traits of a type whose bytes are those of `stored`.
template <element_type stored>
struct stored_as {
  static constexpr element_type type = stored;  ///< what its bytes mean
};

/// How the bytes of a T are to be read. Specialise it to adopt a type.
template <class T>
struct element_traits {};

/// A number of the language; its bytes are a binary32.
template <>
struct element_traits<float> : stored_as<element_type::fp32> {};
/// revlora's binary16.
template <>
struct element_traits<f16> : stored_as<element_type::fp16> {};
/// revlora's bfloat16.
template <>
struct element_traits<bf16> : stored_as<element_type::bf16> {};
/// Eigen's binary16.
template <>
struct element_traits<Eigen::half> : stored_as<element_type::fp16> {};
/// Eigen's bfloat16.
template <>
struct element_traits<Eigen::bfloat16> : stored_as<element_type::bf16> {};

// std::float16_t and std::bfloat16_t are names of these where they exist. The macros are about C;
// GCC 12 does not have the types in C++ on each architecture, Clang 15 was the first to have __bf16
// on both.
#if defined(__FLT16_MANT_DIG__) && \
    (defined(__clang__) || __GNUC__ >= 13 || (defined(__GNUC__) && defined(__SSE2__)))
/// The compiler's binary16, std::float16_t included.
template <>
struct element_traits<_Float16> : stored_as<element_type::fp16> {};
/// Defined where the compiler has _Float16.
#define REVLORA_HAS_FLOAT16 1
#endif
#if defined(__clang__) ? __clang_major__ >= 15 && (defined(__SSE2__) || defined(__aarch64__)) \
                       : defined(__BFLT16_MANT_DIG__) || defined(__aarch64__)
/// The compiler's bfloat16, std::bfloat16_t included.
template <>
struct element_traits<__bf16> : stored_as<element_type::bf16> {};
/// Defined where the compiler has __bf16.
#define REVLORA_HAS_BFLOAT16 1
#endif

/// A type of two bytes whose traits say what they mean.
template <class T>
concept sixteen_bit_element = sizeof(T) == 2 && std::is_trivially_copyable_v<T> &&
                              (element_traits<T>::type != element_type::fp32);

/// A type that weights and factors may have.
template <class T>
concept element = std::same_as<T, float> || sixteen_bit_element<T>;

/// What the bytes of a T mean.
template <element T>
inline constexpr element_type element_type_of = element_traits<T>::type;

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
