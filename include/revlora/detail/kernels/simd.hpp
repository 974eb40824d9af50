// Vectors of fp32, of words and of 16-bit numbers, and what kernels do with them beside xsimd's
// operators: a fused multiply-add that is always fused, lane masks as integers.
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
#include <type_traits>
#include <xsimd/xsimd.hpp>

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

/// The inverse; higher bits are ignored.
template <class Arch>
word_mask<Arch> to_mask(std::uint32_t bits) {
  if constexpr (requires { native<Arch>::from_integer(bits); }) {
    return word_mask<Arch>(native<Arch>::from_integer(bits));
  } else {
    alignas(64) static constexpr std::uint32_t bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const words<Arch> of_lane = words<Arch>::load_aligned(bit);
    // Not `!=`: GCC 12 takes the wrong side of what is chosen by it (AVX2 with AVX-512VL).
    return (words<Arch>(bits) & of_lane) == of_lane;
  }
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

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
