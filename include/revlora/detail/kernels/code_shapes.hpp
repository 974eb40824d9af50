// The shapes of the codes of several weights at once: see code_shape for one.
#pragma once

#include <bit>
#include <cstdint>

#include "../namespace.hpp"
#include "convert.hpp"
#include "element_code.hpp"
#include "maps/map.hpp"
#include "simd.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// As many ones as each word has bits, leading zeros left out.
template <class Arch>
words<Arch> ones_below(words<Arch> value) {
  if constexpr (requires { native<Arch>::ones_below(value.data); }) {
    return words<Arch>(native<Arch>::ones_below(value.data));
  } else {
    words<Arch> ones = value | (value >> 1);
    ones = ones | (ones >> 2);
    ones = ones | (ones >> 4);
    ones = ones | (ones >> 8);
    return ones | (ones >> 16);
  }
}

/// The candidates of some weights, by the quickest way that a map has.
template <class Arch, map Map>
class candidates_of {
 public:
  words<Arch> lowest, count;

  [[gnu::always_inline]] candidates_of(words<Arch> merged, floats<Arch> delta) {
    if constexpr (has_near_candidates<Map, Arch>) {
      const near_preimage<Arch> found = Map::template candidates<Arch>(merged, delta);
      lowest = found.lowest;
      count = found.count;
      if (const std::uint64_t mask = to_integer<Arch>(found.is_in_doubt); mask != 0) [[unlikely]]
        *this = one_by_one(*this, merged, delta, mask);
    } else {
      *this = all(merged, delta);
    }
  }

 private:
  struct table {
    alignas(64) std::uint32_t merged[lanes<Arch>], lowest[lanes<Arch>], count[lanes<Arch>];
    alignas(64) float delta[lanes<Arch>];
  };
  candidates_of() = default;

  static candidates_of from(const table& each) {
    candidates_of found;
    found.lowest = words<Arch>::load_aligned(each.lowest);
    found.count = words<Arch>::load_aligned(each.count);
    return found;
  }
  static void find(table& each, int i) {
    const preimage found = Map::candidates(each.merged[i], each.delta[i]);
    each.lowest[i] = found.lowest;
    each.count[i] = found.count;
  }

  [[gnu::noinline]] static candidates_of one_by_one(candidates_of known, words<Arch> merged,
                                                    floats<Arch> delta, std::uint64_t mask) {
    table each;
    merged.store_aligned(each.merged);
    delta.store_aligned(each.delta);
    known.lowest.store_aligned(each.lowest);
    known.count.store_aligned(each.count);
    for (; mask != 0; mask &= mask - 1) find(each, std::countr_zero(mask));
    return from(each);
  }
  // On its own, and with nothing left to call, so that compilers make vector code of it.
  [[gnu::noinline]] static candidates_of all(words<Arch> merged, floats<Arch> delta) {
    table each;
    merged.store_aligned(each.merged);
    delta.store_aligned(each.delta);
    for (int i = 0; i < lanes<Arch>; ++i) find(each, i);
    return from(each);
  }
};

/// The shapes of some codes. Most are phase-in codes; heads of at most 15 bits are handled
/// together.
template <class Arch, map Map>
class code_shapes {
  using T = typename Map::weight;
  using W = words<Arch>;

 public:
  W lowest, count;
  W head_mask;                 ///< as many ones as the head of a phase-in code has bits
  W short_places;              ///< places from here on have one bit more
  word_mask<Arch> zero_first;  ///< a long interval around zero
  word_mask<Arch> irregular;   ///< to be coded one by one: raw, or with a longer head

  [[gnu::always_inline]] code_shapes(W merged, floats<Arch> delta)
      : code_shapes(candidates_of<Arch, Map>(merged, delta), merged, delta) {}

 private:
  [[gnu::always_inline]] code_shapes(const candidates_of<Arch, Map>& found, W merged,
                                     floats<Arch> delta)
      : lowest(found.lowest), count(found.count) {
    const W ones = ones_below<Arch>(count);
    head_mask = ones >> 1;
    short_places = ones + W(1u) - count;
    irregular =
        is_nan<T>(merged) | is_not_finite<float>(as_words<Arch>(delta)) | (count >= W(1u << 15));
    const W last = lowest + count - W(1u);
    const W sign(0x80000000u);
    zero_first = ((lowest & ~last) & sign) == sign;
    if constexpr (code_shape<T>::has_zero_codes)
      zero_first = zero_first & (count > W(4u)) & ~irregular;
    else
      zero_first = zero_first & ~zero_first;
  }
};

/// The shape of one, given its merged weight as bits.
template <map Map, element T = typename Map::weight>
code_shape<T> code_shape_of(std::uint32_t merged, float delta) {
  const bool is_raw = is_nan<T>(merged) || is_not_finite<float>(as_words(delta));
  return {is_raw, Map::candidates(merged, delta)};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
