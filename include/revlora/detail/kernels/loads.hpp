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

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
