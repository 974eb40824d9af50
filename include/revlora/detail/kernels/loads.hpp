// Elements and other numbers between memory and vectors of words.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../element.hpp"
#include "../namespace.hpp"
#include "simd.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Any bytes as words. Not by way of an array: what is stored in halves and loaded as a whole has
/// to be waited for.
template <class Arch>
words<Arch> load_words(const std::byte* from) {
  typename words<Arch>::register_type bits;
  std::memcpy(&bits, from, sizeof bits);
  return words<Arch>(bits);
}

template <class Arch, element T>
words<Arch> gather_one_by_one(const T* from, words<Arch> index) {
  alignas(64) std::uint32_t at[lanes<Arch>], bits[lanes<Arch>];
  index.store_aligned(at);
  for (int i = 0; i < lanes<Arch>; ++i) {
    bits[i] = 0;
    std::memcpy(&bits[i], from + at[i], sizeof(T));
  }
  return words<Arch>::load_aligned(bits);
}

/// Elements at several places, each in the low bits of its word. Small ones are read by whole
/// words, so that nothing but elements is read: `column` is such that elements up to the next
/// multiple of those in a word are there, and from the last one on.
template <class Arch, element T>
words<Arch> gather(const T* from, words<Arch> index, [[maybe_unused]] words<Arch> column) {
  if constexpr (!requires { native<Arch>::template gather<sizeof(T)>(from, index.data); }) {
    return gather_one_by_one<Arch>(from, index);
  } else if constexpr (sizeof(T) == 4) {
    return words<Arch>(native<Arch>::template gather<4>(from, index.data));
  } else {
    constexpr int width = 8 * sizeof(T), in_word = 4 / sizeof(T);
    const words<Arch> place = column & words<Arch>(in_word - 1u);
    const words<Arch> whole(native<Arch>::template gather<sizeof(T)>(from, (index - place).data));
    return words<Arch>(native<Arch>::shift_right(whole.data, (place * words<Arch>(width)).data)) &
           words<Arch>((1u << width) - 1);
  }
}
/// Elements of 32 bits.
template <class Arch, element T>
requires(sizeof(T) == 4) words<Arch> gather(const T* from, words<Arch> index) {
  return gather<Arch>(from, index, index);
}

/// Unsigned 16-bit numbers to words, and words, their upper halves ignored, to 16-bit numbers.
template <class Arch>
words<Arch> load_u16(const std::uint16_t* from) {
  return words<Arch>(native<Arch>::load_u16(from));
}
template <class Arch>
void store_u16(std::uint16_t* to, words<Arch> numbers) {
  native<Arch>::store_u16(to, numbers.data);
}
/// Two vectors of words, their upper halves ignored, as one of 16-bit numbers.
template <class Arch>
words<Arch> pack_u16(words<Arch> low, words<Arch> high) {
  return words<Arch>(native<Arch>::pack_u16(low.data, high.data));
}

/// Stored elements to words and back: small ones are in the low bits of their words.
template <class Arch, element T>
words<Arch> load(const T* from) {
  if constexpr (sizeof(T) == 4)
    return as_words(floats<Arch>::load_unaligned(from));
  else if constexpr (sizeof(T) == 2)
    return words<Arch>(native<Arch>::load_u16(from));
  else
    return words<Arch>(native<Arch>::load_u8(from));
}
template <class Arch, element T>
void store(T* to, words<Arch> bits) {
  if constexpr (sizeof(T) == 4)
    as_floats(bits).store_unaligned(to);
  else if constexpr (sizeof(T) == 2)
    native<Arch>::store_u16(to, bits.data);
  else
    native<Arch>::store_u8(to, bits.data);
}

/// Writes `first` plus the place of each bit that is set, in ascending order; room for 64 numbers
/// is needed, what follows is anything. Returns behind the last one.
template <class Arch>
std::uint16_t* put_places(std::uint64_t mask, std::uint16_t first, std::uint16_t* to) {
  if constexpr (requires { native<Arch>::put_places(mask, first, to); }) {
    return native<Arch>::put_places(mask, first, to);
  } else {
    for (; mask != 0; mask &= mask - 1)
      *to++ = static_cast<std::uint16_t>(first + std::countr_zero(mask));
    return to;
  }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
