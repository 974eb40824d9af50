/// \file
/// The ways a number is stored, IEEE binary32 and binary16, bfloat16 and the two of eight bits, and
/// the types that hold them: revlora's own, the compiler's, Eigen's, yours.
///
/// A type of your own is adopted by one line, in the global namespace:
///
///     template <>
///     struct revlora::element_traits<engine::half> :
///     revlora::stored_as<revlora::element_type::fp16>
///     {};
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "detail/namespace.hpp"
#include "detail/number_format.hpp"

// Eigen's, where Eigen is included: the names suffice.
namespace Eigen {
struct half;
struct bfloat16;
}  // namespace Eigen

namespace revlora {
inline namespace REVLORA_NAMESPACE {

static_assert(std::endian::native == std::endian::little,
              "revlora: checksums and undo records are defined on little-endian memory");

/// The run-time name of an element type. The values are part of the undo record's format.
enum class element_type : std::uint8_t {
  fp32 = 0,  ///< IEEE binary32
  fp16 = 1,  ///< IEEE binary16
  bf16 = 2,  ///< bfloat16
  e4m3 = 3,  ///< 8 bits, no infinity
  e5m2 = 4,  ///< 8 bits
};

/// A number of 16 or 8 bits. Storage only: no arithmetic, but conversions from and to float, which
/// are explicit, constexpr, and exact or correctly rounded (to nearest, ties to even, NaN to the
/// canonical one) in whatever floating-point mode the caller runs. Memory that holds numbers of
/// another type with these bits may be read and written through it.
template <class Format, class Bits>
struct [[gnu::may_alias]] stored_number {
  using format = Format;  ///< where its bits are

  Bits bits;  ///< from the sign down

  /// Anything; zero, if value-initialised: `f16{}`.
  stored_number() = default;
  /// The nearest. Overflow gives infinity; for e4m3, which has none, the largest number.
  constexpr explicit stored_number(std::same_as<float> auto value)
      : bits(static_cast<Bits>(Format::rounded(std::bit_cast<std::uint32_t>(value)))) {}
  /// The number with these bits.
  static constexpr stored_number from_bits(Bits pattern) {
    stored_number number{};
    number.bits = pattern;
    return number;
  }
  /// The same number.
  constexpr explicit operator float() const { return std::bit_cast<float>(Format::widened(bits)); }

  /// Compares bits, so NaN equals itself.
  friend constexpr bool operator==(stored_number, stored_number) = default;
};

/// IEEE binary16: 1 sign, 5 exponent, 10 mantissa bits.
using f16 = stored_number<formats::fp16_format, std::uint16_t>;
/// bfloat16: 1 sign, 8 exponent, 7 mantissa bits, the upper half of a binary32.
using bf16 = stored_number<formats::bf16_format, std::uint16_t>;
/// 8 bits with 4 of exponent and 3 of mantissa, without infinity and with one NaN: "FN", as OCP and
/// the deep-learning frameworks have it. Up to ±448.
using e4m3 = stored_number<formats::e4m3_format, std::uint8_t>;
/// 8 bits with 5 of exponent and 2 of mantissa, infinity and NaNs as in IEEE 754. Up to ±57344.
using e5m2 = stored_number<formats::e5m2_format, std::uint8_t>;

static_assert(sizeof(float) == 4 && sizeof(f16) == 2 && sizeof(bf16) == 2 && sizeof(e4m3) == 1 &&
              sizeof(e5m2) == 1);

namespace detail {
inline constexpr int element_types = 5;
struct element_description {
  const char* name;
  std::size_t size;
};
/// By element_type.
inline constexpr element_description element_descriptions[element_types] = {
    {"fp32", 4}, {"fp16", 2}, {"bf16", 2}, {"e4m3", 1}, {"e5m2", 1}};
}  // namespace detail

/// "fp32", "fp16", "bf16", "e4m3" or "e5m2".
constexpr const char* name_of(element_type type) {
  return detail::element_descriptions[static_cast<int>(type)].name;
}

/// Bytes of one element: 4, 2 or 1.
constexpr std::size_t size_of(element_type type) {
  return detail::element_descriptions[static_cast<int>(type)].size;
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
/// revlora's eight bits without infinity.
template <>
struct element_traits<e4m3> : stored_as<element_type::e4m3> {};
/// revlora's eight bits with infinity.
template <>
struct element_traits<e5m2> : stored_as<element_type::e5m2> {};
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

/// A type of one or two bytes whose traits say what they mean.
template <class T>
concept small_element = std::is_trivially_copyable_v<T> &&
                        (element_traits<T>::type != element_type::fp32) &&
                        (sizeof(T) == size_of(element_traits<T>::type));

/// A type that weights and factors may have.
template <class T>
concept element = std::same_as<T, float> || small_element<T>;

/// What the bytes of a T mean.
template <element T>
inline constexpr element_type element_type_of = element_traits<T>::type;

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
