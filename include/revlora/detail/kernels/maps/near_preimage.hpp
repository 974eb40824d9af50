// The preimages of several 16-bit weights at once, in fp32: several times as fast as the exact
// formulas of preimage.hpp, and the same wherever they do not raise their hand.
//
// The bounds inner and outer (preimage.hpp) are fp32 numbers ∓ half a step of fp32, and D is
// subtracted from the first and then the half step. Where the difference is small enough for the
// half step to matter, both subtractions are exact (Sterbenz); elsewhere they are wrong by less
// than two steps of the result. So the bounds lie between the same weights as the exact ones,
// unless they are within four steps of one.
#pragma once

#include <concepts>
#include <cstdint>

#include "../../namespace.hpp"
#include "../convert.hpp"
#include "../simd.hpp"
#include "../stored_weights.hpp"
#include "preimage.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <class Arch>
using integers = xsimd::batch<std::int32_t, Arch>;

/// The order of fp32 numbers: see order_of.
template <class Arch>
integers<Arch> order_of_numbers(floats<Arch> value) {
  const integers<Arch> bits = reinterpret<std::int32_t>(value);
  return bits ^ ((bits >> 31) & integers<Arch>(0x7fffffff));
}

/// Whether a bound is so near to a bf16 number that what was rounded on the way to it matters.
template <class Arch>
word_mask<Arch> is_near_bf16(integers<Arch> order) {
  const words<Arch> steps = reinterpret<std::uint32_t>(order) + words<Arch>(4u);
  return (steps & words<Arch>(0xffffu)) <= words<Arch>(8u);
}

/// What makes half steps lead away from y if y is even, towards it if y is odd.
template <class Arch>
words<Arch> sign_of_half_steps(words<Arch> merged) {
  return ((merged << 16) ^ (merged << 31)) & words<Arch>(0x80000000u);
}
/// Half a step of fp32 at a bound.
template <class Arch>
floats<Arch> half_step(words<Arch> bound, words<Arch> sign) {
  return as_floats<Arch>(((bound & words<Arch>(0x7f800000u)) - words<Arch>(24u << 23)) | sign);
}

/// The preimages of some weights under `delta`: see preimage.
template <class Arch>
struct near_preimage {
  words<Arch> lowest, count;
  word_mask<Arch> is_in_doubt;  ///< lanes for which these must not be used
};

/// Of `merged`, weights in the low half of each word. In doubt are bf16 numbers so small that half
/// a step of theirs is no normal number, and those whose neighbour is infinite.
template <std::same_as<bf16> T, class Arch>
[[gnu::always_inline]] inline near_preimage<Arch> near_preimage_of(words<Arch> merged,
                                                                   floats<Arch> delta) {
  const auto constant = [](std::uint32_t bits) { return words<Arch>(bits); };
  constexpr std::uint32_t smallest = 0x0d000000, largest = 0x7f7f0000;
  const words<Arch> y = merged << 16;
  const words<Arch> magnitude = y & constant(0x7fffffff);
  const words<Arch> inner = y - constant(0x8000), outer = y + constant(0x8000);
  const words<Arch> sign = sign_of_half_steps<Arch>(merged);
  const integers<Arch> one =
      order_of_numbers<Arch>((as_floats<Arch>(inner) - delta) - half_step<Arch>(inner, sign));
  const integers<Arch> other =
      order_of_numbers<Arch>((as_floats<Arch>(outer) - delta) + half_step<Arch>(outer, sign));
  const integers<Arch> low = xsimd::min(one, other), high = xsimd::max(one, other);
  // The upper half of an order is that of the bf16 number next to it towards zero.
  const integers<Arch> first = (low >> 16) + (low >> 31) + integers<Arch>(1);
  const integers<Arch> last = (high >> 16) + (high >> 31);
  const words<Arch> lowest = reinterpret<std::uint32_t>(first);
  const words<Arch> count = reinterpret<std::uint32_t>(last) - lowest + constant(1);
  return {lowest, count,
          (magnitude - constant(smallest) >= constant(largest - smallest)) |
              is_near_bf16<Arch>(low) | is_near_bf16<Arch>(high) |
              (count - constant(1) >= constant(0x10000))};
}

/// The fp16 number nearest to a bound, and on which side of it that is.
template <class Arch>
struct nearest_f16 {
  words<Arch> order;
  words<Arch> is_below, is_above;  ///< 1, or 0
  word_mask<Arch> is_in_doubt;     ///< hardly beside it, or out of range

  explicit nearest_f16(floats<Arch> bound) {
    const auto nearest = native<Arch>::narrow_f16(bound.data);
    const floats<Arch> value(native<Arch>::widen_f16(nearest)), size = xsimd::abs(bound);
    const auto one_where = [](xsimd::batch_bool<float, Arch> mask) {
      return choose<Arch>(to_word_mask<Arch>(mask), words<Arch>(1u), words<Arch>(0u));
    };
    order = order_of<f16>(words<Arch>(native<Arch>::widen_u16(nearest)));
    is_below = one_where(value < bound);
    is_above = one_where(value > bound);
    is_in_doubt = to_word_mask<Arch>(xsimd::abs(value - bound) <= size * floats<Arch>(0x1p-21f)) |
                  ~to_word_mask<Arch>(size < floats<Arch>(65504.0f));
  }
};

/// The same for fp16, where the processor converts it. In doubt are zeros, and numbers whose
/// neighbour is infinite.
template <std::same_as<f16> T, class Arch>
requires converts_f16<Arch>
[[gnu::always_inline]] inline near_preimage<Arch> near_preimage_of(words<Arch> merged,
                                                                   floats<Arch> delta) {
  const auto constant = [](std::uint32_t bits) { return words<Arch>(bits); };
  const words<Arch> magnitude = merged & constant(format<f16>::magnitude);
  const words<Arch> sign_of_y = (merged << 16) & constant(0x80000000);
  // In half steps of fp16: up to 2⁻¹³ they are of equal length, elsewhere y's mantissa counts them.
  const auto bound = [&](words<Arch> half_steps) {
    const floats<Arch> multiple =
        xsimd::to_float(reinterpret<std::int32_t>(half_steps)) * floats<Arch>(0x1p-25f);
    const words<Arch> normal = (half_steps << 12) + constant(112u << 23);
    return choose<Arch>(magnitude < constant(0x0800), as_words<Arch>(multiple), normal) | sign_of_y;
  };
  const words<Arch> inner = bound(magnitude + magnitude - constant(1));
  const words<Arch> outer = bound(magnitude + magnitude + constant(1));
  const words<Arch> sign = sign_of_half_steps<Arch>(merged);
  const floats<Arch> one = (as_floats<Arch>(inner) - delta) - half_step<Arch>(inner, sign);
  const floats<Arch> other = (as_floats<Arch>(outer) - delta) + half_step<Arch>(outer, sign);
  const nearest_f16<Arch> low(xsimd::min(one, other)), high(xsimd::max(one, other));
  const words<Arch> lowest = low.order + low.is_below;
  const words<Arch> count = high.order - high.is_above - lowest + constant(1);
  return {lowest, count,
          (magnitude - constant(1) >= constant(format<f16>::exponent_mask - 2)) | low.is_in_doubt |
              high.is_in_doubt | (count - constant(1) >= constant(0x10000))};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
