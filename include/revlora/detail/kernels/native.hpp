// Operations by register type that xsimd does not offer alike in every version, or not at all. Raw
// intrinsics live here only.
//
// What a processor lacks is not declared for its registers, and asked for with `requires`.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "../intrinsics.hpp"
#include "../namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

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
inline std::uint64_t halves_to_integer(__mmask32 mask) {
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

// Two vectors rounded to bf16 side by side, but for subnormals, which become zero, and NaN.
void narrow_bf16();  // likewise
void interleave_u16();
void any_not_normal_bf16();
#if defined(__AVX512BF16__)
inline __m512i narrow_bf16(__m512 low, __m512 high) {
  return std::bit_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}
// The lower and the upper halves, each in order, as pairs.
inline __m512i interleave_u16(__m512i halves) {
  alignas(64) static constexpr auto places = [] {
    std::array<std::uint16_t, 32> at{};
    for (std::uint16_t i = 0; i < 32; ++i) at[i] = static_cast<std::uint16_t>(i / 2 + i % 2 * 16);
    return at;
  }();
  return _mm512_permutexvar_epi16(_mm512_load_si512(places.data()), halves);
}
// Whether any of 64 numbers of bf16 is zero, subnormal, infinite or NaN.
inline bool any_not_normal_bf16(__m512i a, __m512i b) {
  // Twice the magnitude, counted from the smallest normal number.
  const auto above_normal = [](__m512i x) {
    return _mm512_sub_epi16(_mm512_add_epi16(x, x), _mm512_set1_epi16(0x0100));
  };
  const __m512i largest = _mm512_max_epu16(above_normal(a), above_normal(b));
  return _mm512_cmpge_epu16_mask(largest, _mm512_set1_epi16(static_cast<short>(0xfe00))) != 0;
}
#endif

// fp16 converted by the processor, which keeps subnormals in every mode.
void widen_f16();   // likewise
void narrow_f16();  // likewise
void widen_u16();
void join();
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
inline __m512i join(__m256i lower, __m256i upper) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(lower), upper, 1);
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
inline __m256i join(__m128i lower, __m128i upper) {
  return _mm256_setr_m128i(lower, upper);
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

void pack_u16();  // likewise
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
inline std::uint64_t halves_to_integer(__m128i mask) {
  return static_cast<std::uint64_t>(_mm_movemask_epi8(_mm_packs_epi16(mask, _mm_setzero_si128())));
}
#endif

void have_common_bits();  // likewise
#if defined(__AVX512BW__)
inline __mmask32 have_common_bits(__m512i a, __m512i b) {
  return _mm512_test_epi16_mask(a, b);
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
inline __m128i halve(__m256i words) {
  return pack_u16(_mm256_castsi256_si128(words), _mm256_extractf128_si256(words, 1));
}
inline __m256i pack_u16(__m256i low, __m256i high) {
  return _mm256_setr_m128i(halve(low), halve(high));
}
inline void store_u16(void* to, __m256i from) {
  _mm_storeu_si128(static_cast<__m128i*>(to), halve(from));
}
inline std::uint64_t to_integer(__m256i mask) {
  return static_cast<std::uint64_t>(_mm256_movemask_ps(_mm256_castsi256_ps(mask)));
}
inline std::uint64_t halves_to_integer(__m256i mask) {
  return static_cast<std::uint64_t>(_mm_movemask_epi8(
      _mm_packs_epi16(_mm256_castsi256_si128(mask), _mm256_extractf128_si256(mask, 1))));
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
inline uint32x4_t join(uint16x4_t lower, uint16x4_t upper) {
  return vreinterpretq_u32_u16(vcombine_u16(lower, upper));
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
inline std::uint64_t halves_to_integer(uint16x8_t mask) {
  const uint16x8_t weights = {1, 2, 4, 8, 16, 32, 64, 128};
  return vaddvq_u16(vandq_u16(mask, weights));
}
#endif
}  // namespace native

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

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
