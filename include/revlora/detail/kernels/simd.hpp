// What xsimd does not offer alike in every version, or not at all: a fused multiply-add that is
// always fused, 16-bit loads and stores, and lane masks as integers. Raw intrinsics live here only.
#pragma once

#ifdef __FAST_MATH__
#error "revlora promises every bit of its results, which -ffast-math takes away: compile without it"
#endif

#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
// GCC 12 warns of its own intrinsics wherever they are inlined (GCC bug 105593).
#if defined(__SSE2__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif
#include <xsimd/xsimd.hpp>

#include "../../element.hpp"
#include "../namespace.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

template <class Arch>
using floats = xsimd::batch<float, Arch>;
template <class Arch>
using words = xsimd::batch<std::uint32_t, Arch>;
template <class Arch>
using word_mask = xsimd::batch_bool<std::uint32_t, Arch>;

/// Lanes per vector.
template <class Arch>
inline constexpr int lanes = static_cast<int>(floats<Arch>::size);

/// Architectures with 32 vector registers can hold a tile of twice the height.
template <class Arch>
inline constexpr bool has_32_registers =
#if defined(__aarch64__)
    true;
#else
    std::is_base_of_v<xsimd::avx512f, Arch>;
#endif

// ---- by native register ------------------------------------------------------------------------

namespace native {
void fused();  // so that the name exists where no register type has the operation

#if defined(__AVX512F__)
inline __m512 fused(__m512 a, __m512 b, __m512 c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline void load_u16(const void* from, __m512i& to) {
  to = _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(from)));
}
inline void store_u16(void* to, __m512i from) {
  _mm256_storeu_si256(static_cast<__m256i*>(to), _mm512_cvtepi32_epi16(from));
}
inline std::uint64_t to_integer(__mmask16 mask) {
  return mask;
}
#endif

void dot_pairs();  // likewise
#if defined(__AVX512F__)
// Not the intrinsic: whether the machine has the instruction is asked at run time.
inline __m512 dot_pairs(__m512 a, __m512 b, __m512 c) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
  return c;
}
#endif

// fp16 converted by the processor, which keeps subnormals in every mode.
void widen_f16();   // likewise
void narrow_f16();  // likewise
void widen_u16();
#if defined(__AVX512F__)
inline __m512 widen_f16(__m256i from) {
  return _mm512_cvtph_ps(from);
}
inline __m512i widen_u16(__m256i from) {
  return _mm512_cvtepu16_epi32(from);
}
inline __m256i narrow_f16(__m512 from) {
  return _mm512_cvtps_ph(from, _MM_FROUND_TO_NEAREST_INT);
}
#endif
#if defined(__F16C__)
inline __m256 widen_f16(__m128i from) {
  return _mm256_cvtph_ps(from);
}
inline __m256i widen_u16(__m128i from) {
  return _mm256_setr_m128i(_mm_unpacklo_epi16(from, _mm_setzero_si128()),
                           _mm_unpackhi_epi16(from, _mm_setzero_si128()));
}
inline __m128i narrow_f16(__m256 from) {
  return _mm256_cvtps_ph(from, _MM_FROUND_TO_NEAREST_INT);
}
#endif

#if defined(__FMA__)
inline __m256 fused(__m256 a, __m256 b, __m256 c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline __m128 fused(__m128 a, __m128 b, __m128 c) {
  return _mm_fmadd_ps(a, b, c);
}
#endif

#if defined(__SSE2__)
inline void load_u16(const void* from, __m128i& to) {
  to = _mm_unpacklo_epi16(_mm_loadl_epi64(static_cast<const __m128i*>(from)), _mm_setzero_si128());
}
// SSE2 packs with signed saturation only: sign-extended halves pass through it unchanged.
inline __m128i pack_u16(__m128i low, __m128i high) {
  return _mm_packs_epi32(_mm_srai_epi32(_mm_slli_epi32(low, 16), 16),
                         _mm_srai_epi32(_mm_slli_epi32(high, 16), 16));
}
inline void store_u16(void* to, __m128i from) {
  _mm_storel_epi64(static_cast<__m128i*>(to), pack_u16(from, from));
}
inline std::uint64_t to_integer(__m128i mask) {
  return static_cast<std::uint64_t>(_mm_movemask_ps(_mm_castsi128_ps(mask)));
}
#endif

void multiply_pairs();  // likewise
#if defined(__SSE2__)
inline __m128i multiply_pairs(__m128i a, __m128i b) {
  return _mm_madd_epi16(a, b);
}
#endif
#if defined(__AVX2__)
inline __m256i multiply_pairs(__m256i a, __m256i b) {
  return _mm256_madd_epi16(a, b);
}
#endif
#if defined(__AVX512BW__)
inline __m512i multiply_pairs(__m512i a, __m512i b) {
  return _mm512_madd_epi16(a, b);
}
#endif

// Not on AVX2: the first processors are slower by it, and QEMU 7 gets it wrong.
template <int scale>
struct gather_step {
#if defined(__AVX512F__)
  static __m512i gather(const void* from, __m512i index) {
    return _mm512_i32gather_epi32(index, from, scale);
  }
#endif
};

#if defined(__AVX__)
inline void load_u16(const void* from, __m256i& to) {
  const __m128i both = _mm_loadu_si128(static_cast<const __m128i*>(from));
  const __m128i zero = _mm_setzero_si128();
  to = _mm256_insertf128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi16(both, zero)),
                               _mm_unpackhi_epi16(both, zero), 1);
}
inline void store_u16(void* to, __m256i from) {
  _mm_storeu_si128(static_cast<__m128i*>(to),
                   pack_u16(_mm256_castsi256_si128(from), _mm256_extractf128_si256(from, 1)));
}
inline std::uint64_t to_integer(__m256i mask) {
  return static_cast<std::uint64_t>(_mm256_movemask_ps(_mm256_castsi256_ps(mask)));
}
#endif

#if defined(__aarch64__)
inline float32x4_t fused(float32x4_t a, float32x4_t b, float32x4_t c) {
  return vfmaq_f32(c, a, b);
}
inline float32x4_t widen_f16(uint16x4_t from) {
  return vcvt_f32_f16(vreinterpret_f16_u16(from));
}
inline uint32x4_t widen_u16(uint16x4_t from) {
  return vmovl_u16(from);
}
inline uint16x4_t narrow_f16(float32x4_t from) {
  return vreinterpret_u16_f16(vcvt_f16_f32(from));
}
inline void load_u16(const void* from, uint32x4_t& to) {
  std::uint16_t halves[4];
  std::memcpy(halves, from, sizeof halves);
  to = vmovl_u16(vld1_u16(halves));
}
inline void store_u16(void* to, uint32x4_t from) {
  std::uint16_t halves[4];
  vst1_u16(halves, vmovn_u32(from));
  std::memcpy(to, halves, sizeof halves);
}
inline std::uint64_t to_integer(uint32x4_t mask) {
  const uint32x4_t weights = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(mask, weights));
}
#endif
}  // namespace native

// ---- for batches, and for one lane -------------------------------------------------------------
// Formulas that are written once for vectors and for single values use these names.

/// Whether the processor multiplies and adds with one rounding.
template <class Arch>
inline constexpr bool has_fused = requires(typename floats<Arch>::register_type r) {
  native::fused(r, r, r);
};

/// a·b + c with one rounding. xsimd::fma rounds twice on several architectures.
template <class Arch>
floats<Arch> fused(floats<Arch> a, floats<Arch> b, floats<Arch> c) {
  if constexpr (has_fused<Arch>) {
    return floats<Arch>(native::fused(a.data, b.data, c.data));
  } else {
    alignas(64) float x[lanes<Arch>], y[lanes<Arch>], z[lanes<Arch>];
    a.store_aligned(x);
    b.store_aligned(y);
    c.store_aligned(z);
    for (int i = 0; i < lanes<Arch>; ++i) z[i] = std::fma(x[i], y[i], z[i]);
    return floats<Arch>::load_aligned(z);
  }
}

/// Keeps a loaded vector in its register: GCC 12 would rather load it again as a memory operand of
/// each instruction that uses it, which halves the speed of the delta kernel on AMD Zen 4.
template <class Arch>
floats<Arch> kept_in_register(floats<Arch> value) {
  auto bits = value.data;
#if defined(__SSE2__)
  asm("" : "+v"(bits));
#elif defined(__aarch64__)
  asm("" : "+w"(bits));
#endif
  return floats<Arch>(bits);
}

/// Whether `dot_pairs` exists for these registers; the machine may lack it.
template <class Arch>
inline constexpr bool has_dot_pairs = requires(typename floats<Arch>::register_type r) {
  { native::dot_pairs(r, r, r) } -> std::same_as<typename floats<Arch>::register_type>;
};

/// With a and b holding two bf16 in each word: fma(a_low, b_low, fma(a_high, b_high, c)), each fma
/// rounded, subnormals taken as zero and flushed.
template <class Arch>
floats<Arch> dot_pairs(floats<Arch> a, floats<Arch> b, floats<Arch> c) {
  return floats<Arch>(native::dot_pairs(a.data, b.data, c.data));
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
  return native::to_integer(mask.data);
}

/// Column masks of a row of which one mask has the even and one the odd columns.
inline std::uint64_t interleave(std::uint64_t even, std::uint64_t odd) {
#if defined(__BMI2__)
  return _pdep_u64(even, 0x5555555555555555u) | _pdep_u64(odd, 0xaaaaaaaaaaaaaaaau);
#else
  const auto spread = [](std::uint64_t x) {
    x = (x | x << 16) & 0x0000ffff0000ffffu;
    x = (x | x << 8) & 0x00ff00ff00ff00ffu;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;
    x = (x | x << 2) & 0x3333333333333333u;
    return (x | x << 1) & 0x5555555555555555u;
  };
  return spread(even) | spread(odd) << 1;
#endif
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
  if constexpr (requires { native::multiply_pairs(a.data, b.data); }) {
    return words<Arch>(native::multiply_pairs(a.data, b.data));
  } else {
    using integers = xsimd::batch<std::int32_t, Arch>;
    const integers x = reinterpret<std::int32_t>(a), y = reinterpret<std::int32_t>(b);
    const integers sum = ((x << 16) >> 16) * ((y << 16) >> 16) + (x >> 16) * (y >> 16);
    return reinterpret<std::uint32_t>(sum);
  }
}

/// Elements at several places, each in the low half of its word if it has 16 bits. Those are read
/// in pairs, so there must be one at `index ^ 1` too.
template <class Arch, element T>
words<Arch> gather(const T* from, words<Arch> index) {
  using step = native::gather_step<sizeof(T)>;
  if constexpr (requires { step::gather(from, index.data); }) {
    if constexpr (sizeof(T) == 4) return words<Arch>(step::gather(from, index.data));
    const words<Arch> odd = index & words<Arch>(1u);
    const words<Arch> pairs(step::gather(from, (index ^ odd).data));
    return choose<Arch>(odd == words<Arch>(0u), pairs & words<Arch>(0xffffu), pairs >> 16);
  } else {
    alignas(64) std::uint32_t at[lanes<Arch>], bits[lanes<Arch>];
    index.store_aligned(at);
    for (int i = 0; i < lanes<Arch>; ++i) {
      bits[i] = 0;
      std::memcpy(&bits[i], from + at[i], sizeof(T));
    }
    return words<Arch>::load_aligned(bits);
  }
}

/// Unsigned 16-bit numbers to words, and words, their upper halves ignored, to 16-bit numbers.
template <class Arch>
words<Arch> load_u16(const std::uint16_t* from) {
  typename words<Arch>::register_type bits;
  native::load_u16(from, bits);
  return words<Arch>(bits);
}
template <class Arch>
void store_u16(std::uint16_t* to, words<Arch> numbers) {
  native::store_u16(to, numbers.data);
}

/// Writes `first` plus the place of each bit that is set, in ascending order; room for 64 numbers
/// is needed, what follows is anything. Returns behind the last one.
inline std::uint16_t* put_places(std::uint64_t mask, std::uint16_t first, std::uint16_t* to) {
#if defined(__AVX512VBMI2__)
  alignas(64) static constexpr auto all = [] {
    std::array<std::uint8_t, 64> bytes{};
    for (std::uint8_t i = 0; i < 64; ++i) bytes[i] = i;
    return bytes;
  }();
  const __m512i places = _mm512_maskz_compress_epi8(mask, _mm512_load_si512(all.data()));
  const auto put = [&](std::uint16_t* at, __m256i bytes) {
    _mm512_storeu_si512(at, _mm512_add_epi16(_mm512_cvtepu8_epi16(bytes),
                                             _mm512_set1_epi16(static_cast<short>(first))));
  };
  const int count = std::popcount(mask);
  put(to, _mm512_castsi512_si256(places));
  if (count > 32) put(to + 32, _mm512_extracti64x4_epi64(places, 1));
  return to + count;
#else
  for (; mask != 0; mask &= mask - 1)
    *to++ = static_cast<std::uint16_t>(first + std::countr_zero(mask));
  return to;
#endif
}

/// Stored elements to words and back: a 16-bit element is in the low half of its word.
template <class Arch, element T>
words<Arch> load(const T* from) {
  if constexpr (sizeof(T) == 4) {
    return as_words(floats<Arch>::load_unaligned(from));
  } else {
    typename words<Arch>::register_type bits;
    native::load_u16(from, bits);
    return words<Arch>(bits);
  }
}
template <class Arch, element T>
void store(T* to, words<Arch> bits) {
  if constexpr (sizeof(T) == 4) {
    as_floats(bits).store_unaligned(to);
  } else {
    native::store_u16(to, bits.data);
  }
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
