// How numbers are stored: widths of exponent and mantissa, and what the largest patterns mean.
// Everything else follows.
#pragma once

#include <bit>
#include <cstdint>

#include "namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
// By itself, because the public types name it: what is declared beside it is found by argument for
// every call that a user's file makes with one of them.
namespace formats {

/// What the patterns with a filled exponent mean.
enum class specials : std::uint8_t {
  infinity_and_nans,  ///< IEEE 754: infinity if the mantissa is zero, else NaN
  one_nan,            ///< numbers like any other, but for the last pattern, which is NaN
};

/// Patterns are in the low bits of a word, from the sign down.
template <int exponent, int mantissa, specials filled = specials::infinity_and_nans>
struct number_format {
  static_assert(exponent >= 2 && exponent <= 8 && mantissa >= 1 && mantissa <= 23);

  static constexpr int exponent_bits = exponent, mantissa_bits = mantissa;
  static constexpr int width = 1 + exponent + mantissa;
  static constexpr int bias = (1 << (exponent - 1)) - 1;
  static constexpr bool has_infinity = filled == specials::infinity_and_nans;

  static constexpr std::uint32_t sign = std::uint32_t{1} << (width - 1);
  static constexpr std::uint32_t magnitude = sign - 1;  ///< the mask of all other bits
  static constexpr std::uint32_t smallest_normal = std::uint32_t{1} << mantissa;
  static constexpr std::uint32_t exponent_mask = magnitude & ~(smallest_normal - 1);
  /// What infinities and NaN, and nothing else, have all bits of.
  static constexpr std::uint32_t not_finite = has_infinity ? exponent_mask : magnitude;
  /// The largest number.
  static constexpr std::uint32_t largest = not_finite - 1;
  /// The largest pattern that is no NaN.
  static constexpr std::uint32_t last = has_infinity ? exponent_mask : largest;
  /// The quiet NaN that arithmetic makes.
  static constexpr std::uint32_t nan =
      has_infinity ? exponent_mask | smallest_normal >> 1 : magnitude;

  /// Bits of an fp32 mantissa that are lost.
  static constexpr int dropped_bits = 23 - mantissa;
  /// What the exponent of an fp32 number has more than that of the same number here, in its place.
  static constexpr std::uint32_t rebias = static_cast<std::uint32_t>(127 - bias) << 23;
  /// Then a pattern with zeros behind it is the same number in fp32, also if it is subnormal.
  static constexpr bool has_exponents_of_fp32 = exponent == 8;

  /// The fp32 number of a pattern, as bits. Integers only: the same in every floating-point mode.
  static constexpr std::uint32_t widened(std::uint32_t pattern) {
    const std::uint32_t negative = (pattern & sign) != 0 ? 0x80000000u : 0;
    const std::uint32_t rest = pattern & magnitude;
    if (rest > largest) {
      const bool is_infinity = has_infinity && rest == exponent_mask;
      return negative | 0x7f800000 | (is_infinity ? 0 : rest << dropped_bits);
    }
    if (rest >= smallest_normal || has_exponents_of_fp32)
      return negative | ((rest << dropped_bits) + rebias);
    if (rest == 0) return negative;
    // rest · 2^(1 − bias − mantissa), which fp32 has as a normal number.
    const int top = static_cast<int>(std::bit_width(rest)) - 1;
    const auto biased = static_cast<std::uint32_t>(top + 1 - bias - mantissa + 127);
    return negative | biased << 23 | ((rest << (23 - top)) & 0x7fffff);
  }

  /// The smallest fp32 magnitude that is rounded beyond the largest number.
  static constexpr std::uint32_t overflow =
      dropped_bits == 0
          ? 0x7f800000
          : widened(largest) + (std::uint32_t{1} << dropped_bits >> 1) + (1 - largest % 2);

  /// The number that would follow the largest if exponents had no end.
  static constexpr double behind_largest = [] {
    constexpr std::uint32_t next = largest + 1;
    constexpr int power = static_cast<int>(next >> mantissa) - bias - mantissa;
    return static_cast<double>((next & (smallest_normal - 1)) | smallest_normal) *
           std::bit_cast<double>(static_cast<std::uint64_t>(1023 + power) << 52);
  }();

  /// The pattern nearest to an fp32 number given by its bits, ties to the even one, and the quiet
  /// NaN for NaN. Overflow gives infinity, or the largest number where there is none. Integers
  /// only.
  static constexpr std::uint32_t rounded(std::uint32_t number) {
    const std::uint32_t negative = number >> 31 != 0 ? sign : 0;
    const std::uint32_t rest = number & 0x7fffffff;
    if (rest > 0x7f800000) return nan;
    if (rest >= overflow) return negative | (has_infinity ? exponent_mask : largest);
    if (rest >= widened(smallest_normal) || has_exponents_of_fp32)
      return negative | shifted_to_even(rest - rebias, dropped_bits);
    // In units of the smallest number there is. What fp32 has as subnormal is far below half a
    // unit.
    const int shift = 151 - bias - mantissa - static_cast<int>(rest >> 23);
    return negative | (shift > 25 ? 0 : shifted_to_even((rest & 0x7fffff) | 0x800000, shift));
  }

 private:
  /// value / 2^shift, to the nearest integer, ties to even.
  static constexpr std::uint32_t shifted_to_even(std::uint32_t value, int shift) {
    if (shift == 0) return value;
    const std::uint32_t below_half = (std::uint32_t{1} << (shift - 1)) - 1;
    return (value + below_half + (value >> shift & 1)) >> shift;
  }
};

using fp32_format = number_format<8, 23>;
using fp16_format = number_format<5, 10>;
using bf16_format = number_format<8, 7>;
using e4m3_format = number_format<4, 3, specials::one_nan>;
using e5m2_format = number_format<5, 2>;

static_assert(bf16_format::overflow == 0x7f7f8000 && fp16_format::overflow == 0x477ff000);
static_assert(fp32_format::behind_largest == 0x1p128 && fp16_format::behind_largest == 0x1p16);
static_assert(e4m3_format::behind_largest == 480 && e4m3_format::overflow == 0x43e80001);
static_assert(e4m3_format::widened(e4m3_format::largest) == 0x43e00000);  // 448
static_assert(e5m2_format::widened(e5m2_format::largest) == 0x47600000);  // 57344

}  // namespace formats

namespace detail {
using namespace formats;
}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
