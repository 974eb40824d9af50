// What a map is: how a merged weight y comes from a weight x and its delta D, and what y and D tell
// of x. Kernels know no more of it than this.
//
// All that the coder needs is that y grows with x. A map is exact in `round` and `apply`; the rest
// may be careless, because the encoder compares, and costs bits only.
#pragma once

#include <concepts>
#include <cstdint>

#include "../../format.hpp"
#include "../../namespace.hpp"
#include "../simd.hpp"
#include "near_preimage.hpp"
#include "preimage.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// For one vector or one number:
///   weight          the type of x and y
///   sum(x, D)       the fp32 number that y is rounded from
///   round(z)        y, as bits, canonical if NaN
///   unrounded_from  numbers of this magnitude, as bits of fp32, or a larger one are rare: only
///                   `round` knows what becomes of them, narrow_number does not
///   apply(x, D)     y, of x as bits
///   candidates(y, D)  the interval of all x, at least, that lead to y; and for a vector, if that
///                   is quicker, with the lanes where it is not to be trusted
///   inverse<Arch>   its guess(y, D), for two vectors, is an x and where that is certain
template <class M>
concept map = requires(std::uint32_t bits, float number) {
  requires element<typename M::weight>;
  { M::sum(number, number) } -> std::same_as<float>;
  { M::round(number) } -> std::same_as<std::uint32_t>;
  { M::unrounded_from } -> std::convertible_to<std::uint32_t>;
  { M::apply(bits, number) } -> std::same_as<std::uint32_t>;
  { M::candidates(bits, number) } -> std::same_as<preimage>;
};

/// Whether it finds the candidates of a whole vector.
template <class M, class Arch>
concept has_near_candidates = requires(words<Arch> y, floats<Arch> delta) {
  { M::template candidates<Arch>(y, delta) } -> std::same_as<near_preimage<Arch>>;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
