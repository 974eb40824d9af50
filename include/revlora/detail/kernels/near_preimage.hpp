// The preimages of several bf16 weights at once, in fp32: four times as fast as the exact formulas
// of preimage.hpp, and the same wherever it does not raise its hand.
#pragma once

#include <cstdint>

#include "../namespace.hpp"
#include "simd.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

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

/// The preimages of `merged`, bf16 in the low half of each word, under `delta`: the order of the
/// lowest candidate and their number. Returns the lanes for which the result must not be used.
///
/// The bounds inner and outer (preimage.hpp) are fp32 numbers ∓ half a step of fp32, and D is
/// subtracted from the first and then the half step. Where the difference is small enough for the
/// half step to matter, both subtractions are exact (Sterbenz); elsewhere they are wrong by less
/// than two steps of the result. So the bounds lie between the same bf16 numbers as the exact ones,
/// unless they are within four steps of one. Left out are numbers so small that half a step of
/// theirs is no normal number, and those whose neighbour is infinite.
template <class Arch>
word_mask<Arch> near_preimage(words<Arch> merged, floats<Arch> delta, words<Arch>& lowest,
                              words<Arch>& count) {
  const auto constant = [](std::uint32_t bits) { return words<Arch>(bits); };
  constexpr std::uint32_t smallest = 0x0d000000, largest = 0x7f7f0000;
  const words<Arch> y = merged << 16;
  const words<Arch> magnitude = y & constant(0x7fffffff);
  const words<Arch> inner = y - constant(0x8000), outer = y + constant(0x8000);
  // Away from y if y is even, towards it if y is odd.
  const words<Arch> sign = (y ^ (y << 15)) & constant(0x80000000);
  const auto half_step = [&](words<Arch> bound) {
    return as_floats<Arch>(((bound & constant(0x7f800000)) - constant(24u << 23)) | sign);
  };
  const integers<Arch> one =
      order_of_numbers<Arch>((as_floats<Arch>(inner) - delta) - half_step(inner));
  const integers<Arch> other =
      order_of_numbers<Arch>((as_floats<Arch>(outer) - delta) + half_step(outer));
  const integers<Arch> low = xsimd::min(one, other), high = xsimd::max(one, other);
  // The upper half of an order is that of the bf16 number next to it towards zero.
  const integers<Arch> first = (low >> 16) + (low >> 31) + integers<Arch>(1);
  const integers<Arch> last = (high >> 16) + (high >> 31);
  lowest = reinterpret<std::uint32_t>(first);
  count = reinterpret<std::uint32_t>(last) - lowest + constant(1);
  return (magnitude - constant(smallest) >= constant(largest - smallest)) |
         is_near_bf16<Arch>(low) | is_near_bf16<Arch>(high) |
         (count - constant(1) >= constant(0x10000));
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
