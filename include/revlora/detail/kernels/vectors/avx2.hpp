// Registers of 256 bits: AVX2, with FMA and F16C where the file is compiled for them. All but
// multiply_pairs is there for AVX alone.
#pragma once

#include <cstdint>

#include "intrinsics.hpp"
#include "registers.hpp"
#include "sse2.hpp"

#if defined(__AVX__)
namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <>
struct registers<32> {
  template <class Register>
  static Register kept(Register bits) {
    asm("" : "+v"(bits));
    return bits;
  }
#if defined(__FMA__)
  static __m256 fused(__m256 a, __m256 b, __m256 c) {
    return _mm256_fmadd_ps(a, b, c);
  }
#endif
  static std::uint64_t to_integer(__m256i mask) {
    return static_cast<std::uint64_t>(_mm256_movemask_ps(_mm256_castsi256_ps(mask)));
  }
  static std::uint64_t halves_to_integer(__m256i mask) {
    return static_cast<std::uint64_t>(_mm_movemask_epi8(
        _mm_packs_epi16(_mm256_castsi256_si128(mask), _mm256_extractf128_si256(mask, 1))));
  }
#if defined(__AVX2__)
  static __m256i multiply_pairs(__m256i a, __m256i b) {
    return _mm256_madd_epi16(a, b);
  }
#endif

  static __m256i load_u8(const void* from) {
    return widen_u16(
        _mm_unpacklo_epi8(_mm_loadl_epi64(static_cast<const __m128i*>(from)), _mm_setzero_si128()));
  }
  static void store_u8(void* to, __m256i from) {
    const __m128i halves = halve(from);
    _mm_storel_epi64(static_cast<__m128i*>(to), _mm_packus_epi16(halves, halves));
  }
  static __m256i load_u16(const void* from) {
    return widen_u16(_mm_loadu_si128(static_cast<const __m128i*>(from)));
  }
  static void store_u16(void* to, __m256i from) {
    _mm_storeu_si128(static_cast<__m128i*>(to), halve(from));
  }
  static __m256i pack_u16(__m256i low, __m256i high) {
    return join(halve(low), halve(high));
  }

#if defined(__F16C__)
  static __m256 widen_f16(__m128i from) {
    return _mm256_cvtph_ps(from);
  }
  static __m128i narrow_f16(__m256 from) {
    return _mm256_cvtps_ph(from, _MM_FROUND_TO_NEAREST_INT);
  }
#endif
  static __m256i widen_u16(__m128i from) {
    const __m128i zero = _mm_setzero_si128();
    return join(_mm_unpacklo_epi16(from, zero), _mm_unpackhi_epi16(from, zero));
  }
  static __m256i join(__m128i lower, __m128i upper) {
    return _mm256_setr_m128i(lower, upper);
  }

 private:
  static __m128i halve(__m256i words) {
    return registers<16>::pack_u16(_mm256_castsi256_si128(words),
                                   _mm256_extractf128_si256(words, 1));
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
#endif
