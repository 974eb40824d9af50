// How one weight is coded, given what it was merged to and by how much.
//
// Most weights need no bits: the decoder's guess round(y − D) is the only weight that leads to y.
// The others are told from (y, D) by `certainty` and coded as their place in the preimage.
#pragma once

#include <bit>
#include <cstdint>

#include "../namespace.hpp"
#include "convert.hpp"
#include "near_preimage.hpp"
#include "preimage.hpp"
#include "simd.hpp"
#include "stored_weights.hpp"

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
/// between two weights, nor was rounded into or out of one.
///
/// The constants of these classes are made before a loop: GCC 12 would make them anew for every
/// row.
template <class Arch, element T>
class tie_test;

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

template <class Arch>
class tie_test<Arch, f16> {
 public:
  std::uint64_t far_columns(const floats<Arch> (&difference)[2]) const {
    const auto is_far = [&](int i) {
      return ((as_words<Arch>(difference[i]) - before_half_) & dropped_) > words<Arch>(2u);
    };
    return both<Arch>(is_far(0), is_far(1));
  }

 private:
  words<Arch> before_half_ = kept_in_register<Arch>(words<Arch>(0xfffu));
  words<Arch> dropped_ = kept_in_register<Arch>(words<Arch>(0x1fffu));
};

/// Tells the columns of a pair of vectors whose weight is certain to be the guess, round(y − D),
/// given y, D, and `difference`. The others carry bits, or turn out to have one candidate and no
/// bits.
///
/// One solution where y's spacing is not wider than x's: where the guess is above the power of two
/// below y. "Above" is never true of NaN: what is not finite always carries bits. Elsewhere only
/// ties are in doubt.
template <class Arch, element T>
class certainty;

template <class Arch>
class certainty<Arch, float> {
 public:
  std::uint64_t columns(const stored_pair<Arch, float>& y, const floats<Arch> (&delta)[2],
                        const floats<Arch> (&difference)[2],
                        const stored_pair<Arch, float>&) const {
    const auto is_certain = [&](int i) {
      const words<Arch> infinity(format<float>::exponent_mask);
      const floats<Arch> limit = as_floats<Arch>(as_words<Arch>(y.value(i)) & infinity);
      const words<Arch> size = as_words<Arch>(difference[i]) & words<Arch>(0x7fffffffu);
      // A tie between the largest number and infinity has no error term.
      return to_word_mask<Arch>(as_floats<Arch>(size) > limit) & (size != infinity) &
             ~is_exact_tie<Arch>(y.value(i), delta[i], difference[i]);
    };
    return both<Arch>(is_certain(0), is_certain(1));
  }
};

/// In 16-bit lanes, twice as many at a time.
template <class Arch, element T>
requires(sizeof(T) == 2) class certainty<Arch, T> {
 public:
  std::uint64_t columns(const stored_pair<Arch, T>& y, const floats<Arch> (&)[2],
                        const floats<Arch> (&difference)[2],
                        const stored_pair<Arch, T>& guess) const {
    halves<Arch> limit = as_halves<Arch>(y.words_of(0) & infinity_);
    if constexpr (std::same_as<T, f16>)  // no weight below is normal
      limit = xsimd::max(limit, halves<Arch>(std::int16_t{0x0400}));
    const halves<Arch> size =
        xsimd::min(as_halves<Arch>(guess.words_of(0) & magnitude_), as_halves<Arch>(infinity_));
    return to_integer<Arch>(size > limit) & ties_.far_columns(difference);
  }

 private:
  static words<Arch> twice(std::uint32_t bits) {
    return kept_in_register<Arch>(words<Arch>(bits << 16 | bits));
  }

  words<Arch> infinity_ = twice(format<T>::exponent_mask);
  words<Arch> magnitude_ = twice(format<T>::magnitude);
  tie_test<Arch, T> ties_;
};

/// What the code of a weight that carries bits looks like, from (y, D) alone.
///
/// A code has a head, whose length follows from the shape, and a tail, whose length follows from
/// the head and itself. In a block all heads precede all tails, so that a decoder can read them at
/// once.
template <element T>
struct code_shape {
  preimage candidates;
  int certain_bits;  ///< bits that every place has; some have one more
  bool raw;          ///< nothing is known: the code is the weight
  bool zero_first;   ///< a long interval around zero: zeros have codes of their own

  code_shape(bool is_raw, preimage preimage)
      : candidates(preimage),
        certain_bits(static_cast<int>(std::bit_width(preimage.count)) - 1),
        raw(is_raw),
        zero_first(preimage.count > 4 && preimage.lowest >> 31 != 0 &&
                   preimage.lowest + preimage.count - 1 < preimage.lowest) {}

  int head_bits() const { return raw ? format<T>::width : zero_first ? 1 : certain_bits; }

  /// Places from here on have one bit more (phase-in codes).
  std::uint64_t short_places() const {
    return (std::uint64_t{2} << certain_bits) - candidates.count;
  }
};

/// The code of one weight, least significant bits first.
struct element_code {
  std::uint64_t head;
  std::uint64_t tail;
  int tail_bits;
};

/// Codes `x`. False if it is not among the candidates: then the code leads to another weight.
template <element T>
bool encode_weight(const code_shape<T>& shape, std::uint32_t x, element_code& code) {
  code = {x, 0, 0};
  if (shape.raw) return true;
  if (shape.zero_first && (x & format<T>::magnitude) == 0) {
    code = x == 0 ? element_code{1, 0, 0} : element_code{0, 1, 1};
    return true;
  }
  std::uint64_t place = order_of<T>(x) - shape.candidates.lowest;
  const bool found = place < shape.candidates.count;
  if (!found) place = 0;
  const bool is_long = place >= shape.short_places();
  if (is_long) place += shape.short_places();
  const std::uint64_t certain = place >> is_long;
  const std::uint64_t last = place & is_long;
  if (shape.zero_first)
    code = {0, (certain | last << shape.certain_bits) << 1, 1 + shape.certain_bits + is_long};
  else
    code = {certain, last, is_long};
  return found;
}

/// The weight of a code whose head has been read; `tail` is a bit_reader at its tail.
template <element T, class Reader>
std::uint32_t decode_weight(const code_shape<T>& shape, std::uint64_t head, Reader& tail) {
  if (shape.raw) return static_cast<std::uint32_t>(head);
  std::uint64_t place = head;
  if (shape.zero_first) {
    if (head == 1) return 0;
    if (tail.get(1) == 1) return format<T>::magnitude + 1;
    place = tail.get(shape.certain_bits);
  }
  if (place >= shape.short_places()) place = (place << 1 | tail.get(1)) - shape.short_places();
  return from_order<T>(shape.candidates.lowest + static_cast<std::uint32_t>(place));
}

/// Zero if the code of a weight with these candidates is a phase-in code with a head of at most 16
/// bits: no raw code, and not both zeros among the candidates.
template <class Words>
Words has_odd_shape(Words lowest, Words count, Words raw) {
  return raw | (count >> 17) | ((lowest ^ (lowest + count - Words(1u))) >> 31);
}

/// The phase-in codes of several weights at once (see code_shape for one).
template <class Words>
struct phase_in {
  Words head_mask;     ///< as many ones as the head has bits
  Words short_places;  ///< places from here on have one bit more

  /// At most 2¹⁷ − 1 candidates.
  explicit phase_in(Words count) {
    Words ones = count | (count >> 1);
    ones = ones | (ones >> 2);
    ones = ones | (ones >> 4);
    ones = ones | (ones >> 8);
    ones = ones | (ones >> 16);
    head_mask = ones >> 1;
    short_places = ones + Words(1u) - count;
  }
};

/// Which weights carry bits under y = round(x + D), and between which weights they tell.
template <element T>
struct exact_code {
  template <class Arch>
  using certainty = detail::certainty<Arch, T>;

  [[gnu::always_inline]] static preimage candidates(std::uint32_t y, float delta) {
    return preimage_of<T>(y, delta);
  }
  /// The same for a vector, but for the lanes that are returned.
  template <class Arch>
  static word_mask<Arch> near_candidates(words<Arch> y, floats<Arch> delta, words<Arch>& lowest,
                                         words<Arch>& count) requires requires {
    near_preimage<T>(y, delta, lowest, count);
  }
  { return near_preimage<T>(y, delta, lowest, count); }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
