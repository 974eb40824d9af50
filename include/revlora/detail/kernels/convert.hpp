// Widening a stored element to fp32, and rounding fp32 to a stored element.
//
// Each formula is written once and works on one word or on a vector of words, without branches.
// They hold in the IEEE mode that ieee_mode.hpp sets: nearest-even, subnormals kept.
#pragma once

#include <bit>
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
  using f = format<T>;
  if constexpr (f::has_exponents_of_fp32) {  // three steps less
    return as_floats(Words(bits << f::dropped_bits));
  } else {
    // Shifted into place, the exponent is too small: a power of two repairs it, subnormals
    // included. Infinity and NaN only need the exponent filled.
    const Words magnitude = Words(bits & Words(f::magnitude)) << f::dropped_bits;
    constexpr float repair = std::bit_cast<float>(f::rebias + (127u << 23));
    const Words finite = as_words(as_floats(magnitude) * decltype(as_floats(bits))(repair));
    const Words value = choose(magnitude >= Words(f::not_finite << f::dropped_bits),
                               Words(magnitude | Words(format<float>::exponent_mask)), finite);
    return as_floats(Words(value | Words(Words(bits & Words(f::sign)) << (32 - f::width))));
  }
}

/// The stored element nearest to a number, ties to even. Beyond the largest: infinity, or the
/// largest where there is no infinity. For NaN: anything.
template <element T, class Floats>
auto narrow_number(Floats value) {
  using f = format<T>;
  using Words = decltype(as_words(value));
  const Words bits = as_words(value);
  if constexpr (f::dropped_bits == 0) {
    return bits;
  } else {
    constexpr std::uint32_t below_half = (1u << (f::dropped_bits - 1)) - 1;
    if constexpr (f::has_exponents_of_fp32) {  // subnormals and overflow need no step of their own
      const Words even = Words(bits >> f::dropped_bits) & Words(1u);
      return Words(Words(bits + Words(below_half) + even) >> f::dropped_bits);
    } else {
      const Words magnitude = bits & Words(format<float>::magnitude);
      const Words even = Words(magnitude >> f::dropped_bits) & Words(1u);
      const Words rebiased = magnitude + Words(below_half - f::rebias) + even;
      const Words normal = rebiased >> f::dropped_bits;
      const Words bounded = choose(normal > Words(f::last), Words(f::last), normal);
      // Adding a number whose steps are as long as those of the subnormals rounds to multiples of
      // these, and leaves their count in the low bits of the sum.
      constexpr std::uint32_t normal_from = f::widened(f::smallest_normal);
      constexpr std::uint32_t steps = normal_from + (std::uint32_t{f::dropped_bits} << 23);
      const Words subnormal =
          as_words(as_floats(magnitude) + Floats(std::bit_cast<float>(steps))) - Words(steps);
      const Words rounded = choose(magnitude < Words(normal_from), subnormal, bounded);
      return Words(rounded | Words(Words(bits >> (32 - f::width)) & Words(f::sign)));
    }
  }
}

/// Whether a stored element is infinite or NaN.
template <element T, class Words>
auto is_not_finite(Words bits) {
  return Words(bits & Words(format<T>::not_finite)) == Words(format<T>::not_finite);
}
/// Whether it is NaN.
template <element T, class Words>
auto is_nan(Words bits) {
  return Words(bits & Words(format<T>::magnitude)) > Words(format<T>::last);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
