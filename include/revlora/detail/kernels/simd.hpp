// Vectors of fp32, of words and of 16-bit numbers, and what kernels do with them beside xsimd's
// operators: a fused multiply-add that is always fused, stored elements, lane masks as integers.
#pragma once

#ifdef __FAST_MATH__
#error "revlora promises every bit of its results, which -ffast-math takes away: compile without it"
#endif

#include "vectors/registers.hpp"  // before xsimd, which includes the intrinsics too

#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <xsimd/xsimd.hpp>

#include "../../element.hpp"
#include "../namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <class Arch>
using floats = xsimd::batch<float, Arch>;
template <class Arch>
using words = xsimd::batch<std::uint32_t, Arch>;
template <class Arch>
using word_mask = xsimd::batch_bool<std::uint32_t, Arch>;
template <class Arch>
using halves = xsimd::batch<std::int16_t, Arch>;
template <class Arch>
using half_mask = xsimd::batch_bool<std::int16_t, Arch>;

/// Lanes per vector.
template <class Arch>
inline constexpr int lanes = static_cast<int>(floats<Arch>::size);

/// What its registers can do beside xsimd's operators.
template <class Arch>
using native = registers<static_cast<int>(sizeof(typename floats<Arch>::register_type))>;

/// Architectures with 32 vector registers can hold a tile of twice the height.
template <class Arch>
inline constexpr bool has_32_registers =
#if defined(__aarch64__)
    true;
#else
    std::is_base_of_v<xsimd::avx512f, Arch>;
#endif

/// Whether the processor multiplies and adds with one rounding.
template <class Arch>
inline constexpr bool has_fused = requires(typename floats<Arch>::register_type r) {
  native<Arch>::fused(r, r, r);
};

/// a·b + c with one rounding. xsimd::fma rounds twice on several architectures.
template <class Arch>
floats<Arch> fused(floats<Arch> a, floats<Arch> b, floats<Arch> c) {
  if constexpr (has_fused<Arch>) {
    return floats<Arch>(native<Arch>::fused(a.data, b.data, c.data));
  } else {
    alignas(64) float x[lanes<Arch>], y[lanes<Arch>], z[lanes<Arch>];
    a.store_aligned(x);
    b.store_aligned(y);
    c.store_aligned(z);
    for (int i = 0; i < lanes<Arch>; ++i) z[i] = std::fma(x[i], y[i], z[i]);
    return floats<Arch>::load_aligned(z);
  }
}

/// Keeps a vector in its register: GCC 12 would rather load it again as a memory operand of each
/// instruction that uses it, which halves the speed of the delta kernel on AMD Zen 4, or make it
/// again in each round of a loop.
template <class Arch, class T>
xsimd::batch<T, Arch> kept_in_register(xsimd::batch<T, Arch> value) {
  return xsimd::batch<T, Arch>(native<Arch>::kept(value.data));
}

template <class To, class From, class Arch>
xsimd::batch<To, Arch> reinterpret(xsimd::batch<From, Arch> from) {
#if XSIMD_VERSION_MAJOR >= 11
  return xsimd::bitwise_cast<To>(from);
#else
  return xsimd::bitwise_cast<xsimd::batch<To, Arch> >(from);
#endif
}
template <class Arch>
words<Arch> as_words(floats<Arch> value) {
  return reinterpret<std::uint32_t>(value);
}
template <class Arch>
floats<Arch> as_floats(words<Arch> bits) {
  return reinterpret<float>(bits);
}
template <class Arch>
halves<Arch> as_halves(words<Arch> bits) {
  return reinterpret<std::int16_t>(bits);
}
inline std::uint32_t as_words(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
inline float as_floats(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

// By way of floats: xsimd 8.1's AVX-512 select of words compiles with optimisation only.
template <class Arch>
words<Arch> choose(word_mask<Arch> condition, words<Arch> yes, words<Arch> no) {
  using float_mask = xsimd::batch_bool<float, Arch>;
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>)
    return as_words<Arch>(
        xsimd::select(float_mask(condition.data), as_floats<Arch>(yes), as_floats<Arch>(no)));
  else
    return xsimd::select(condition, yes, no);
}
// Without a branch, so that compilers can make vectors of loops over one lane.
inline std::uint32_t choose(bool condition, std::uint32_t yes, std::uint32_t no) {
  const std::uint32_t mask = 0u - static_cast<std::uint32_t>(condition);
  return (yes & mask) | (no & ~mask);
}

/// Bit i is lane i.
template <class Arch>
std::uint64_t to_integer(word_mask<Arch> mask) {
  return native<Arch>::to_integer(mask.data);
}
template <class Arch>
std::uint64_t to_integer(half_mask<Arch> mask) {
  return native<Arch>::halves_to_integer(mask.data);
}

/// Lanes in which two vectors have a bit in common.
template <class Arch>
half_mask<Arch> have_common_bits(halves<Arch> a, halves<Arch> b) {
  if constexpr (requires { native<Arch>::have_common_bits(a.data, b.data); })
    return half_mask<Arch>(native<Arch>::have_common_bits(a.data, b.data));
  else
    return (a & b) != halves<Arch>(std::int16_t{0});
}

/// A float comparison as a mask of words, without naming the register type.
template <class Arch>
word_mask<Arch> to_word_mask(xsimd::batch_bool<float, Arch> mask) {
  if constexpr (requires { word_mask<Arch>(mask.data); })  // both are the same register
    return word_mask<Arch>(mask.data);
  else
    return as_words(xsimd::select(mask, floats<Arch>(1.0f), floats<Arch>(0.0f))) != words<Arch>(0u);
}

/// Any bytes as words. Not by way of an array: what is stored in halves and loaded as a whole has
/// to be waited for.
template <class Arch>
words<Arch> load_words(const std::byte* from) {
  typename words<Arch>::register_type bits;
  std::memcpy(&bits, from, sizeof bits);
  return words<Arch>(bits);
}

/// The sum of the products of the lower and of the upper halves, signed, of each word.
template <class Arch>
words<Arch> multiply_pairs(words<Arch> a, words<Arch> b) {
  if constexpr (requires { native<Arch>::multiply_pairs(a.data, b.data); }) {
    return words<Arch>(native<Arch>::multiply_pairs(a.data, b.data));
  } else {
    using integers = xsimd::batch<std::int32_t, Arch>;
    const integers x = reinterpret<std::int32_t>(a), y = reinterpret<std::int32_t>(b);
    const integers sum = ((x << 16) >> 16) * ((y << 16) >> 16) + (x >> 16) * (y >> 16);
    return reinterpret<std::uint32_t>(sum);
  }
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
