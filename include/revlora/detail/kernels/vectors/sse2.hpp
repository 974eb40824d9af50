// Registers of 128 bits on x86-64.
#pragma once

#include <cstdint>
#include <cstring>

#include "intrinsics.hpp"
#include "registers.hpp"

#if defined(__SSE2__)
namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <>
struct registers<16> {
  template <class Register>
  static Register kept(Register bits) {
    asm("" : "+v"(bits));
    return bits;
  }
#if defined(__FMA__)
  static __m128 fused(__m128 a, __m128 b, __m128 c) {
    return _mm_fmadd_ps(a, b, c);
  }
#endif
  static std::uint64_t to_integer(__m128i mask) {
    return static_cast<std::uint64_t>(_mm_movemask_ps(_mm_castsi128_ps(mask)));
  }
  static std::uint64_t halves_to_integer(__m128i mask) {
    return static_cast<std::uint64_t>(
        _mm_movemask_epi8(_mm_packs_epi16(mask, _mm_setzero_si128())));
  }
  static __m128i multiply_pairs(__m128i a, __m128i b) {
    return _mm_madd_epi16(a, b);
  }

  static __m128i load_u8(const void* from) {
    int four;
    std::memcpy(&four, from, sizeof four);
    const __m128i zero = _mm_setzero_si128();
    return _mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero), zero);
  }
  static void store_u8(void* to, __m128i from) {
    const __m128i halves = pack_u16(from, from);
    const int four = _mm_cvtsi128_si32(_mm_packus_epi16(halves, halves));
    std::memcpy(to, &four, sizeof four);
  }
  static __m128i load_u16(const void* from) {
    return _mm_unpacklo_epi16(_mm_loadl_epi64(static_cast<const __m128i*>(from)),
                              _mm_setzero_si128());
  }
  static void store_u16(void* to, __m128i from) {
    _mm_storel_epi64(static_cast<__m128i*>(to), pack_u16(from, from));
  }
  // SSE2 packs with signed saturation only: sign-extended halves pass through it unchanged.
  static __m128i pack_u16(__m128i low, __m128i high) {
    return _mm_packs_epi32(_mm_srai_epi32(_mm_slli_epi32(low, 16), 16),
                           _mm_srai_epi32(_mm_slli_epi32(high, 16), 16));
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
#endif
