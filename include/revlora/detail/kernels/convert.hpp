// Widening a stored element to fp32, and rounding fp32 to a stored element.
//
// Each formula is written once and works on one word or on a vector of words, without branches.
// They hold in the IEEE mode that ieee_mode.hpp sets: nearest-even, subnormals kept.
#pragma once

#include <cstdint>

#include "../format.hpp"
#include "../namespace.hpp"
#include "simd.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// The value of a stored element, exactly.
template <element T, class Words>
auto widen(Words bits) {
  if constexpr (std::same_as<T, float>) {
    return as_floats(bits);
  } else if constexpr (std::same_as<T, bf16>) {
    return as_floats(Words(bits << 16));
  } else {
    // Shifted into place, the exponent is 112 too small: a power of two repairs it, subnormals
    // included. Infinity and NaN only need the exponent filled.
    const Words magnitude = Words(bits & Words(0x7fffu)) << 13;
    const Words finite = as_words(as_floats(magnitude) * decltype(as_floats(bits))(0x1p112f));
    const Words value =
        choose(magnitude >= Words(0x0f800000u), Words(magnitude | Words(0x7f800000u)), finite);
    return as_floats(Words(value | Words(Words(bits & Words(0x8000u)) << 16)));
  }
}

/// The stored element nearest to a number, ties to even, overflow to infinity. For NaN: anything.
template <element T, class Floats>
auto narrow_number(Floats value) {
  using Words = decltype(as_words(value));
  const Words bits = as_words(value);
  if constexpr (std::same_as<T, float>) {
    return bits;
  } else if constexpr (std::same_as<T, bf16>) {
    const Words even = Words(bits >> 16) & Words(1u);
    return Words(Words(bits + Words(0x7fffu) + even) >> 16);
  } else {
    const Words magnitude = bits & Words(0x7fffffffu);
    const Words even = Words(magnitude >> 13) & Words(1u);
    const Words rebiased = magnitude + Words(0xfffu - (112u << 23)) + even;
    const Words normal = rebiased >> 13;
    const Words bounded = choose(normal > Words(0x7c00u), Words(0x7c00u), normal);
    // Below 2^-14, adding 0.5 rounds to multiples of 2^-24, fp16's subnormals, and leaves their
    // number in the low bits of the sum.
    const Words subnormal = as_words(as_floats(magnitude) + Floats(0.5f)) - Words(0x3f000000u);
    const Words rounded = choose(magnitude < Words(0x38800000u), subnormal, bounded);
    return Words(rounded | Words(Words(bits >> 16) & Words(0x8000u)));
  }
}

/// The stored element nearest to a value, and the canonical quiet NaN for every NaN.
template <element T, class Floats>
auto narrow(Floats value) {
  using Words = decltype(as_words(value));
  const auto is_nan = Words(as_words(value) & Words(0x7fffffffu)) > Words(0x7f800000u);
  return choose(is_nan, Words(format<T>::nan), narrow_number<T>(value));
}

/// Whether a stored element is infinite or NaN.
template <element T, class Words>
auto is_not_finite(Words bits) {
  return Words(bits & Words(format<T>::exponent_mask)) == Words(format<T>::exponent_mask);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
