// Weights as they are stored, as many as fill two vectors of fp32.
//
// Vectors of bf16 are not taken apart in the order of their columns: a word holds two, and one
// shift and one mask make floats of the even and of the odd columns. So that D can be added to
// these, it is computed in the same order: 32 even columns of a row, then 32 odd ones.
#pragma once

#include <cstdint>
#include <cstring>

#include "../namespace.hpp"
#include "../panels.hpp"
#include "convert.hpp"
#include "simd.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

/// Whether D's columns are ordered even first, odd after.
template <element T>
inline constexpr bool splits_columns = std::same_as<T, bf16>;

/// Added to an fp32 number, it carries into bf16's bits from one past the tie on.
inline constexpr std::uint32_t past_half_bf16 = 0x8001;

/// Where D of a weight is in a block of deltas.
template <element T, class Integer>
constexpr Integer delta_place(Integer position) {
  if constexpr (!splits_columns<T>) {
    return position;
  } else {
    const Integer column(63u), even(1u);
    return (position & ~column) | ((position & even) << 5) | ((position & column) >> 1);
  }
}

/// A row of a block is this many pairs of vectors.
template <class Arch>
inline constexpr int pairs_of_row = block_cols / (2 * lanes<Arch>);

/// Where the deltas of a pair of vectors begin in their row: of its first and second half.
template <class Arch, element T>
constexpr int delta_offset(int pair, int half) {
  return splits_columns<T> ? half * (block_cols / 2) + pair * lanes<Arch>
                           : (2 * pair + half) * lanes<Arch>;
}

/// Two vectors of weights. `of` rounds numbers, `nearest` numbers that are no ties and not next to
/// one; either makes anything of NaN.
template <class Arch, element T>
struct stored_pair;

template <class Arch>
struct stored_pair<Arch, float> {
  floats<Arch> half[2];

  static stored_pair load(const float* from) {
    return {{floats<Arch>::load_unaligned(from), floats<Arch>::load_unaligned(from + lanes<Arch>)}};
  }
  static stored_pair of(floats<Arch> first, floats<Arch> second) { return {{first, second}}; }
  static stored_pair nearest(floats<Arch> first, floats<Arch> second) { return of(first, second); }
  floats<Arch> value(int i) const { return half[i]; }
  word_mask<Arch> equals(const stored_pair& other, int i) const {
    return as_words<Arch>(half[i]) == as_words<Arch>(other.half[i]);
  }
  void store(float* to) const {
    half[0].store_unaligned(to);
    half[1].store_unaligned(to + lanes<Arch>);
  }
};

template <class Arch>
struct stored_pair<Arch, bf16> {
  words<Arch> pairs;

  static stored_pair load(const bf16* from) {
    return {load_words<Arch>(reinterpret_cast<const std::byte*>(from))};
  }
  static stored_pair of(floats<Arch> even, floats<Arch> odd) {
    return {(round(even) >> 16) | (round(odd) & words<Arch>(0xffff0000u))};
  }
  static stored_pair nearest(floats<Arch> even, floats<Arch> odd) {
    const words<Arch> half(past_half_bf16);
    return {((as_words<Arch>(even) + half) >> 16) |
            ((as_words<Arch>(odd) + half) & words<Arch>(0xffff0000u))};
  }
  word_mask<Arch> equals(const stored_pair& other, int i) const {
    return ((pairs ^ other.pairs) & words<Arch>(i == 0 ? 0xffffu : 0xffff0000u)) == words<Arch>(0u);
  }
  floats<Arch> value(int i) const {
    return as_floats<Arch>(i == 0 ? pairs << 16 : pairs & words<Arch>(0xffff0000u));
  }
  void store(bf16* to) const { std::memcpy(to, &pairs.data, sizeof pairs.data); }

 private:
  static words<Arch> round(floats<Arch> value) {
    const words<Arch> bits = as_words<Arch>(value);
    return bits + (((bits >> 16) & words<Arch>(1u)) + words<Arch>(0x7fffu));
  }
};

/// Whether the processor converts vectors of fp16.
template <class Arch>
inline constexpr bool converts_f16 = requires(typename floats<Arch>::register_type r) {
  native::widen_f16(native::narrow_f16(r));
};

template <class Arch>
requires(!converts_f16<Arch>) struct stored_pair<Arch, f16> {
  words<Arch> half[2];

  static stored_pair load(const f16* from) {
    return {{detail::load<Arch>(from), detail::load<Arch>(from + lanes<Arch>)}};
  }
  static stored_pair of(floats<Arch> first, floats<Arch> second) {
    return {{narrow_number<f16>(first), narrow_number<f16>(second)}};
  }
  static stored_pair nearest(floats<Arch> first, floats<Arch> second) { return of(first, second); }
  word_mask<Arch> equals(const stored_pair& other, int i) const { return half[i] == other.half[i]; }
  floats<Arch> value(int i) const { return widen<f16>(half[i]); }
  void store(f16* to) const {
    detail::store<Arch>(to, half[0]);
    detail::store<Arch>(to + lanes<Arch>, half[1]);
  }
};

template <class Arch>
requires converts_f16<Arch>
struct stored_pair<Arch, f16> {
  decltype(native::narrow_f16(floats<Arch>().data)) half[2];

  static stored_pair load(const f16* from) {
    stored_pair loaded;
    for (int i = 0; i < 2; ++i)
      std::memcpy(&loaded.half[i], from + i * lanes<Arch>, sizeof loaded.half[i]);
    return loaded;
  }
  static stored_pair of(floats<Arch> first, floats<Arch> second) {
    return {{native::narrow_f16(first.data), native::narrow_f16(second.data)}};
  }
  static stored_pair nearest(floats<Arch> first, floats<Arch> second) { return of(first, second); }
  word_mask<Arch> equals(const stored_pair& other, int i) const {
    return words<Arch>(native::widen_u16(half[i])) == words<Arch>(native::widen_u16(other.half[i]));
  }
  floats<Arch> value(int i) const { return floats<Arch>(native::widen_f16(half[i])); }
  void store(f16* to) const {
    for (int i = 0; i < 2; ++i) std::memcpy(to + i * lanes<Arch>, &half[i], sizeof half[i]);
  }
};

/// Lane masks of a row, put together to a mask of its columns.
template <class Arch, element T>
class row_mask {
 public:
  void add(int pair, word_mask<Arch> first, word_mask<Arch> second) {
    const std::uint64_t masks[2] = {to_integer<Arch>(first), to_integer<Arch>(second)};
    for (int i = 0; i < 2; ++i) bits_[i] |= masks[i] << shift(pair, i);
  }
  std::uint64_t columns() const {
    return splits_columns<T> ? interleave(bits_[0], bits_[1]) : bits_[0] | bits_[1];
  }

 private:
  static constexpr int shift(int pair, int half) {
    return splits_columns<T> ? pair * lanes<Arch> : (2 * pair + half) * lanes<Arch>;
  }

  std::uint64_t bits_[2] = {0, 0};
};

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
