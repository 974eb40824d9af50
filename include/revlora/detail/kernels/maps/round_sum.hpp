// The map of every merge: y = round(x + D).
//
// Most weights need no bits: the guess round(y − D) is the only weight that leads to y. Where that
// is not certain is told from (y, D) alone.
#pragma once

#include <cstdint>

#include "../../format.hpp"
#include "../../kernel_interface.hpp"
#include "../../namespace.hpp"
#include "../convert.hpp"
#include "../simd.hpp"
#include "../stored_weights.hpp"
#include "certainty.hpp"
#include "map.hpp"
#include "near_preimage.hpp"
#include "preimage.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// What becomes of numbers that are rounded beyond the largest.
enum class overflow : std::uint8_t {
  to_infinity,  ///< where there is one, as IEEE 754 has it
  to_largest,   ///< and infinity too
  to_nan,       ///< and infinity too
};

template <element T>
inline constexpr overflow usual_overflow =
    format<T>::has_infinity ? overflow::to_infinity : overflow::to_largest;

/// A pair of vectors of weights, and the columns where they are certain to be right.
template <class Arch, element T>
struct guessed_pair {
  stored_pair<Arch, T> weights;
  std::uint64_t certain;
};

template <element T, overflow beyond = usual_overflow<T>>
struct round_sum {
  static_assert(format<T>::has_infinity == (beyond == overflow::to_infinity));
  using weight = T;

  static constexpr kernel_interface::weight_map kind =
      beyond == overflow::to_nan ? kernel_interface::weight_map::e4m3_to_nan
                                 : static_cast<kernel_interface::weight_map>(element_type_of<T>);

  /// As bits of fp32: the smallest magnitude that gives NaN.
  static constexpr std::uint32_t nan_from =
      beyond == overflow::to_nan ? format<T>::overflow : format<float>::last + 1;
  static constexpr std::uint32_t unrounded_from =
      beyond == overflow::to_infinity ? format<T>::overflow : nan_from;
  /// The y of this magnitude come from sums as large as one likes.
  static constexpr std::uint32_t unbounded =
      beyond == overflow::to_nan ? format<T>::last + 1 : format<T>::last;

  template <class Floats>
  static Floats sum(Floats x, Floats delta) {
    return x + delta;
  }
  template <class Floats>
  static auto round(Floats number) {
    using Words = decltype(as_words(number));
    const auto is_nan =
        Words(as_words(number) & Words(format<float>::magnitude)) > Words(nan_from - 1);
    return choose(is_nan, Words(format<T>::nan), narrow_number<T>(number));
  }
  static std::uint32_t apply(std::uint32_t x, float delta) {
    return round(sum(widen<T>(x), delta));
  }

  [[gnu::always_inline]] static preimage candidates(std::uint32_t y, float delta) {
    return preimage_of<T, unbounded>(y, delta);
  }
  template <class Arch>
  static near_preimage<Arch> candidates(words<Arch> y, floats<Arch> delta) requires requires {
    near_preimage_of<T, Arch>(y, delta);
  }
  { return near_preimage_of<T, Arch>(y, delta); }

  /// The constants of these classes are made before a loop: GCC 12 would make them anew for every
  /// row.
  template <class Arch>
  class inverse {
   public:
    [[gnu::always_inline]] guessed_pair<Arch, T> guess(const stored_pair<Arch, T>& y,
                                                       const floats<Arch> (&delta)[2]) const {
      const floats<Arch> difference[2] = {y.value(0) - delta[0], y.value(1) - delta[1]};
      const auto weights = stored_pair<Arch, T>::nearest(difference[0], difference[1]);
      return {weights, certainty_.columns(y, delta, difference, weights)};
    }

   private:
    certainty<Arch, T, unbounded> certainty_;
  };
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
