// Weights as they are stored, as many as fill two vectors of fp32.
//
// Vectors of bf16 are not taken apart in the order of their columns: a word holds two, and one
// shift and one mask make floats of the even and of the odd columns. So that D can be added to
// these, it is computed in the same order: 32 even columns of a row, then 32 odd ones.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "../namespace.hpp"
#include "../panels.hpp"
#include "convert.hpp"
#include "loads.hpp"
#include "simd.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

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

/// Whether the processor rounds vectors to bf16.
template <class Arch>
inline constexpr bool narrows_bf16 = requires(typename floats<Arch>::register_type r) {
  native<Arch>::interleave_u16(native<Arch>::narrow_bf16(r, r));
};

/// Lane masks of two vectors as one.
template <class Arch>
std::uint64_t both(word_mask<Arch> first, word_mask<Arch> second) {
  return to_integer<Arch>(first) | to_integer<Arch>(second) << lanes<Arch>;
}

/// Words of a row of 64, given by its vectors of 16, in the columns that are named. Where a
/// register holds 16.
template <class Arch, class Vectors>
words<Arch> take_words(const Vectors& row, words<Arch> columns) {
  return words<Arch>(
      native<Arch>::take_words(row(0).data, row(1).data, row(2).data, row(3).data, columns.data));
}
/// D of a row, by pairs of vectors, in some columns.
template <class Arch, element T>
floats<Arch> take_delta(const floats<Arch> (&d)[2][2], words<Arch> columns) {
  const auto in_order = [&](int j) { return as_words<Arch>(d[j / 2][j % 2]); };
  if constexpr (splits_columns<T>)  // the even ones of a pair, then the odd ones
    return as_floats<Arch>(words<Arch>(native<Arch>::take_split_words(
        in_order(0).data, in_order(1).data, in_order(2).data, in_order(3).data, columns.data)));
  else
    return as_floats<Arch>(take_words<Arch>(in_order, columns));
}

/// Two vectors of weights. `take` writes those of a row in a sixteenth of 16 columns, by places_of.
/// `of` rounds numbers, `nearest` numbers that are no ties and not next to
/// one; either makes anything of NaN. `words_of` are the bytes as they lie in memory, but for types
/// of one byte: a 16-bit number for each.
template <class Arch, element T>
struct stored_pair {
  static constexpr int vectors = 1;

  words<Arch> half[2];

  static stored_pair load(const T* from) {
    return {{detail::load<Arch>(from), detail::load<Arch>(from + lanes<Arch>)}};
  }
  static stored_pair of(floats<Arch> first, floats<Arch> second) {
    return {{narrow_number<T>(first), narrow_number<T>(second)}};
  }
  static stored_pair nearest(floats<Arch> first, floats<Arch> second) { return of(first, second); }
  std::uint64_t equal_columns(const stored_pair& other) const {
    return both<Arch>(half[0] == other.half[0], half[1] == other.half[1]);
  }
  floats<Arch> value(int i) const { return widen<T>(half[i]); }
  words<Arch> words_of(int) const { return pack_u16<Arch>(half[0], half[1]); }
  template <int part>
  static void take(const stored_pair (&row)[2], const auto& places, T* to) {
    const words<Arch> columns(native<Arch>::template places_at<part>(places));
    detail::store<Arch>(to,
                        take_words<Arch>([&](int j) { return row[j / 2].half[j % 2]; }, columns));
  }
  void store(T* to) const {
    detail::store<Arch>(to, half[0]);
    detail::store<Arch>(to + lanes<Arch>, half[1]);
  }
};

template <class Arch>
struct stored_pair<Arch, float> {
  static constexpr int vectors = 2;

  floats<Arch> half[2];

  static stored_pair load(const float* from) {
    return {{floats<Arch>::load_unaligned(from), floats<Arch>::load_unaligned(from + lanes<Arch>)}};
  }
  static stored_pair of(floats<Arch> first, floats<Arch> second) { return {{first, second}}; }
  static stored_pair nearest(floats<Arch> first, floats<Arch> second) { return of(first, second); }
  floats<Arch> value(int i) const { return half[i]; }
  words<Arch> words_of(int i) const { return as_words<Arch>(half[i]); }
  template <int part>
  static void take(const stored_pair (&row)[2], const auto& places, float* to) {
    const words<Arch> columns(native<Arch>::template places_at<part>(places));
    as_floats<Arch>(take_words<Arch>([&](int j) { return row[j / 2].words_of(j % 2); }, columns))
        .store_unaligned(to);
  }
  std::uint64_t equal_columns(const stored_pair& other) const {
    return both<Arch>(as_words<Arch>(half[0]) == as_words<Arch>(other.half[0]),
                      as_words<Arch>(half[1]) == as_words<Arch>(other.half[1]));
  }
  void store(float* to) const {
    half[0].store_unaligned(to);
    half[1].store_unaligned(to + lanes<Arch>);
  }
};

template <class Arch>
struct stored_pair<Arch, bf16> {
  static constexpr int vectors = 1;

  words<Arch> pairs;

  static stored_pair load(const bf16* from) {
    return {load_words<Arch>(reinterpret_cast<const std::byte*>(from))};
  }
  static stored_pair of(floats<Arch> even, floats<Arch> odd) {
    return upper_halves(round(even), round(odd));
  }
  /// By the processor: wrong, and not normal, if a result is zero, infinite or NaN.
  static stored_pair of_normal(floats<Arch> even, floats<Arch> odd) requires narrows_bf16<Arch> {
    return {
        words<Arch>(native<Arch>::interleave_u16(native<Arch>::narrow_bf16(even.data, odd.data)))};
  }
  static bool are_normal(const stored_pair (&row)[2]) requires narrows_bf16<Arch> {
    return !native<Arch>::any_not_normal_bf16(row[0].pairs.data, row[1].pairs.data);
  }
  static stored_pair nearest(floats<Arch> even, floats<Arch> odd) {
    const words<Arch> half(past_half_bf16);
    return upper_halves(as_words<Arch>(even) + half, as_words<Arch>(odd) + half);
  }
  std::uint64_t equal_columns(const stored_pair& other) const {
    return to_integer<Arch>(as_halves<Arch>(pairs) == as_halves<Arch>(other.pairs));
  }
  floats<Arch> value(int i) const {
    return as_floats<Arch>(i == 0 ? pairs << 16 : pairs & words<Arch>(0xffff0000u));
  }
  words<Arch> words_of(int) const { return pairs; }
  template <int part>
  static void take(const stored_pair (&row)[2], const auto& places, bf16* to) {
    native<Arch>::template take_halves<part>(row[0].pairs.data, row[1].pairs.data, places, to);
  }
  void store(bf16* to) const { std::memcpy(to, &pairs.data, sizeof pairs.data); }

 private:
  static words<Arch> round(floats<Arch> value) {
    const words<Arch> bits = as_words<Arch>(value);
    return bits + (((bits >> 16) & words<Arch>(1u)) + words<Arch>(0x7fffu));
  }
  static stored_pair upper_halves(words<Arch> even, words<Arch> odd) {
    return {(even >> 16) | (odd & words<Arch>(0xffff0000u))};
  }
};

/// Whether the processor converts vectors of fp16.
template <class Arch>
inline constexpr bool converts_f16 = requires(typename floats<Arch>::register_type r) {
  native<Arch>::widen_f16(native<Arch>::narrow_f16(r));
};

template <class Arch>
requires converts_f16<Arch>
struct stored_pair<Arch, f16> {
  static constexpr int vectors = 1;

  decltype(native<Arch>::narrow_f16(floats<Arch>().data)) half[2];

  static stored_pair load(const f16* from) {
    stored_pair loaded{};
    for (int i = 0; i < 2; ++i)
      std::memcpy(&loaded.half[i], from + i * lanes<Arch>, sizeof loaded.half[i]);
    return loaded;
  }
  static stored_pair of(floats<Arch> first, floats<Arch> second) {
    return {{native<Arch>::narrow_f16(first.data), native<Arch>::narrow_f16(second.data)}};
  }
  static stored_pair nearest(floats<Arch> first, floats<Arch> second) { return of(first, second); }
  std::uint64_t equal_columns(const stored_pair& other) const {
    return to_integer<Arch>(as_halves<Arch>(words_of(0)) == as_halves<Arch>(other.words_of(0)));
  }
  floats<Arch> value(int i) const { return floats<Arch>(native<Arch>::widen_f16(half[i])); }
  words<Arch> words_of(int) const { return words<Arch>(native<Arch>::join(half[0], half[1])); }
  template <int part>
  static void take(const stored_pair (&row)[2], const auto& places, f16* to) {
    native<Arch>::template take_halves<part>(row[0].words_of(0).data, row[1].words_of(0).data,
                                             places, to);
  }
  void store(f16* to) const {
    for (int i = 0; i < 2; ++i) std::memcpy(to + i * lanes<Arch>, &half[i], sizeof half[i]);
  }
};

/// to ← row, with `from` in the columns that are named, in ascending order; behind what is put
/// there, 64 bytes can be read.
template <class Arch, element T>
[[gnu::always_inline]] inline void put_back(std::uint64_t columns, const T* from, const T* row,
                                            T* to) {
  if constexpr (requires { native<Arch>::template expand<sizeof(T)>(columns, from, row, to); }) {
    constexpr int count = 64 / sizeof(T);
#pragma GCC unroll 4
    for (int left = 0; left < block_cols; left += count) {
      const std::uint64_t here = columns >> left & ~std::uint64_t{0} >> (64 - count);
      native<Arch>::template expand<sizeof(T)>(here, from, row + left, to + left);
      from += std::popcount(here);
    }
  } else {
    if (to != row) std::memcpy(to, row, block_cols * sizeof(T));
    for (; columns != 0; columns &= columns - 1) to[std::countr_zero(columns)] = *from++;
  }
}

/// Masks of the columns of a pair, put together to one of the columns of a row.
template <class Arch>
class row_mask {
 public:
  void add(int pair, std::uint64_t columns) { columns_ |= columns << (2 * lanes<Arch> * pair); }
  std::uint64_t columns() const { return columns_; }

 private:
  std::uint64_t columns_ = 0;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
