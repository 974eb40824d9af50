// Where the guess round(y − D) is certain to be the weight that led to y = round(x + D).
#pragma once

#include <concepts>
#include <cstdint>

#include "../../format.hpp"
#include "../../namespace.hpp"
#include "../simd.hpp"
#include "../stored_weights.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Whether fp32 subtraction left its result in doubt: an exact tie, found by the error term of
/// TwoDiff (Knuth; Møller).
template <class Arch>
word_mask<Arch> is_exact_tie(floats<Arch> y, floats<Arch> delta, floats<Arch> difference) {
  const floats<Arch> back = difference - y;
  const floats<Arch> error = (y - (difference - back)) - (delta + back);
  const floats<Arch> twice = error + error;
  return to_word_mask<Arch>((difference + twice) - difference == twice) &
         to_word_mask<Arch>(error != floats<Arch>(0.0f));
}

/// The columns of a pair of vectors in which `difference`, the fp32 value of y − D, is no tie
/// between two weights that are normal numbers, nor was rounded into or out of one.
template <class Arch, element T>
class tie_test {
 public:
  std::uint64_t far_columns(const floats<Arch> (&difference)[2]) const {
    const auto is_far = [&](int i) {
      return ((as_words<Arch>(difference[i]) - before_half_) & dropped_) > words<Arch>(2u);
    };
    return both<Arch>(is_far(0), is_far(1));
  }

 private:
  static constexpr std::uint32_t half = 1u << (format<T>::dropped_bits - 1);

  words<Arch> before_half_ = kept_in_register<Arch>(words<Arch>(half - 1));
  words<Arch> dropped_ = kept_in_register<Arch>(words<Arch>(2 * half - 1));
};

/// Half of a word: twice as many at a time, in the order in which the columns are stored.
template <class Arch>
class tie_test<Arch, bf16> {
 public:
  std::uint64_t far_columns(const floats<Arch> (&difference)[2]) const {
    const auto past_tie = [&](int i) {
      return as_words<Arch>(difference[i]) + words<Arch>(past_half_bf16);
    };
    const words<Arch> both = (past_tie(0) & lower_half_) | (past_tie(1) << 16);
    return to_integer<Arch>(have_common_bits<Arch>(as_halves<Arch>(both), far_));
  }

 private:
  words<Arch> lower_half_ = kept_in_register<Arch>(words<Arch>(0xffffu));
  halves<Arch> far_ = as_halves<Arch>(kept_in_register<Arch>(words<Arch>(0xfffcfffcu)));
};

/// Tells the columns of a pair of vectors whose weight is certain to be the guess, round(y − D),
/// given y, D, and `difference`. The others carry bits, or turn out to have one candidate and no
/// bits. Of a y from magnitude `unbounded` on nothing is certain.
///
/// One solution where y's spacing is not wider than x's: where the guess is above the power of two
/// below y, and normal. "Above" is never true of NaN: what is not finite always carries bits.
/// Elsewhere only ties are in doubt.
///
/// In 16-bit lanes, twice as many at a time.
template <class Arch, element T, std::uint32_t unbounded>
class certainty {
 public:
  std::uint64_t columns(const stored_pair<Arch, T>& y, const floats<Arch> (&)[2],
                        const floats<Arch> (&difference)[2],
                        const stored_pair<Arch, T>& guess) const {
    halves<Arch> limit = as_halves<Arch>(y.words_of(0) & exponent_);
    const halves<Arch> size = as_halves<Arch>(guess.words_of(0) & magnitude_);
    if constexpr (!format<T>::has_exponents_of_fp32)
      limit = xsimd::max(limit, halves<Arch>(std::int16_t{format<T>::smallest_normal}));
    half_mask<Arch> is_certain;
    if constexpr (format<T>::has_infinity)  // which is the limit where y is not finite
      is_certain = xsimd::min(size, as_halves<Arch>(exponent_)) > limit;
    else
      is_certain = (size > limit) & (as_halves<Arch>(y.words_of(0) & magnitude_) <
                                     halves<Arch>(std::int16_t{unbounded}));
    return to_integer<Arch>(is_certain) & ties_.far_columns(difference);
  }

 private:
  static_assert(!format<T>::has_infinity || unbounded == format<T>::last);

  static words<Arch> twice(std::uint32_t bits) {
    return kept_in_register<Arch>(words<Arch>(bits << 16 | bits));
  }

  words<Arch> exponent_ = twice(format<T>::exponent_mask);
  words<Arch> magnitude_ = twice(format<T>::magnitude);
  tie_test<Arch, T> ties_;
};

template <class Arch, std::uint32_t unbounded>
class certainty<Arch, float, unbounded> {
 public:
  std::uint64_t columns(const stored_pair<Arch, float>& y, const floats<Arch> (&delta)[2],
                        const floats<Arch> (&difference)[2],
                        const stored_pair<Arch, float>&) const {
    const auto is_certain = [&](int i) {
      const words<Arch> infinity(format<float>::last);
      const floats<Arch> limit = as_floats<Arch>(as_words<Arch>(y.value(i)) & infinity);
      const words<Arch> size = as_words<Arch>(difference[i]) & words<Arch>(0x7fffffffu);
      // A tie between the largest number and infinity has no error term.
      return to_word_mask<Arch>(as_floats<Arch>(size) > limit) & (size != infinity) &
             ~is_exact_tie<Arch>(y.value(i), delta[i], difference[i]);
    };
    return both<Arch>(is_certain(0), is_certain(1));
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
