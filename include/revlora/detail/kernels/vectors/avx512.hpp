// Registers of 512 bits: AVX-512 F and BW, with BF16 and VBMI2 where the file is compiled for them.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "intrinsics.hpp"
#include "registers.hpp"

#if defined(__AVX512F__)
namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <>
struct registers<64> {
  template <class Register>
  static Register kept(Register bits) {
    asm("" : "+v"(bits));
    return bits;
  }
  static __m512 fused(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
  static std::uint64_t to_integer(__mmask16 mask) { return mask; }
  static __mmask16 from_integer(std::uint32_t bits) { return static_cast<__mmask16>(bits); }
  static std::uint64_t halves_to_integer(__mmask32 mask) { return mask; }
  static __m512i counted(__m512i sums, __mmask16 words) {
    return _mm512_mask_sub_epi32(sums, words, sums, _mm512_set1_epi32(-1));
  }
#if defined(__AVX512BW__)
  static __m512i counted(__m512i sums, __mmask32 halves) {
    return _mm512_mask_sub_epi16(sums, halves, sums, _mm512_set1_epi32(-1));
  }
  static __mmask32 have_common_bits(__m512i a, __m512i b) {
    return _mm512_test_epi16_mask(a, b);
  }
  static __m512i multiply_pairs(__m512i a, __m512i b) {
    return _mm512_madd_epi16(a, b);
  }
#endif

  static __m512i load_u8(const void* from) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(from)));
  }
  static void store_u8(void* to, __m512i from) {
    _mm_storeu_si128(static_cast<__m128i*>(to), _mm512_cvtepi32_epi8(from));
  }
  static __m512i load_u16(const void* from) {
    return widen_u16(_mm256_loadu_si256(static_cast<const __m256i*>(from)));
  }
  static void store_u16(void* to, __m512i from) {
    _mm256_storeu_si256(static_cast<__m256i*>(to), _mm512_cvtepi32_epi16(from));
  }
  static __m512i pack_u16(__m512i low, __m512i high) {
    return join(_mm512_cvtepi32_epi16(low), _mm512_cvtepi32_epi16(high));
  }

  static __m512 widen_f16(__m256i from) {
    return _mm512_cvtph_ps(from);
  }
  static __m256i narrow_f16(__m512 from) {
    return _mm512_cvtps_ph(from, _MM_FROUND_TO_NEAREST_INT);
  }
  static __m512i widen_u16(__m256i from) {
    return _mm512_cvtepu16_epi32(from);
  }
  static __m512i join(__m256i lower, __m256i upper) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(lower), upper, 1);
  }

#if defined(__AVX512BF16__)
  static __m512i narrow_bf16(__m512 low, __m512 high) {
    return std::bit_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
  }
  static __m512i interleave_u16(__m512i halves) {
    alignas(64) static constexpr auto places = [] {
      std::array<std::uint16_t, 32> at{};
      for (std::uint16_t i = 0; i < 32; ++i) at[i] = static_cast<std::uint16_t>(i / 2 + i % 2 * 16);
      return at;
    }();
    return _mm512_permutexvar_epi16(_mm512_load_si512(places.data()), halves);
  }
  static bool any_not_normal_bf16(__m512i a, __m512i b) {
    // Twice the magnitude, counted from the smallest normal number.
    const auto above_normal = [](__m512i x) {
      return _mm512_sub_epi16(_mm512_add_epi16(x, x), _mm512_set1_epi16(0x0100));
    };
    const __m512i largest = _mm512_max_epu16(above_normal(a), above_normal(b));
    return _mm512_cmpge_epu16_mask(largest, _mm512_set1_epi16(static_cast<short>(0xfe00))) != 0;
  }
#endif

#if defined(__AVX512CD__)
  static __m512i ones_below(__m512i words) {
    return _mm512_srlv_epi32(_mm512_set1_epi32(-1), _mm512_lzcnt_epi32(words));
  }
#endif

#if defined(__AVX512BW__)
  // VBMI2 compresses bytes; without it words are, sixteen at a time, by way of memory.
  static __m512i places_of(std::uint64_t mask) {
    alignas(64) static constexpr auto all = [] {
      std::array<std::uint8_t, 64> bytes{};
      for (std::uint8_t i = 0; i < 64; ++i) bytes[i] = i;
      return bytes;
    }();
#if defined(__AVX512VBMI2__)
    return _mm512_maskz_compress_epi8(mask, _mm512_load_si512(all.data()));
#else
    std::uint8_t places[80];
    std::uint8_t* to = places;
    for (int i = 0; i < 64; i += 16, mask >>= 16) {
      store_u8(to, _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), load_u8(&all[i])));
      to += __builtin_popcount(mask & 0xffff);
    }
    return _mm512_loadu_si512(places);
#endif
  }
  template <int part>
  static __m512i places_at(__m512i places) {
    return _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(places, part));
  }
  static __m512i take_words(__m512i a, __m512i b, __m512i c, __m512i d, __m512i columns) {
    return _mm512_mask_mov_epi32(_mm512_permutex2var_epi32(a, columns, b),
                                 _mm512_test_epi32_mask(columns, _mm512_set1_epi32(32)),
                                 _mm512_permutex2var_epi32(c, columns, d));
  }
  static __m512i take_split_words(__m512i even, __m512i odd, __m512i next_even, __m512i next_odd,
                                  __m512i columns) {
    const __m512i half = _mm512_srli_epi32(columns, 1);
    return _mm512_mask_mov_epi32(_mm512_permutex2var_epi32(even, half, next_even),
                                 _mm512_test_epi32_mask(columns, _mm512_set1_epi32(1)),
                                 _mm512_permutex2var_epi32(odd, half, next_odd));
  }
  template <int part>
  static void take_halves(__m512i a, __m512i b, __m512i places, void* to) {
    const __m512i columns =
        _mm512_castsi256_si512(_mm256_cvtepu8_epi16(_mm512_extracti32x4_epi32(places, part)));
    _mm256_storeu_si256(static_cast<__m256i*>(to),
                        _mm512_castsi512_si256(_mm512_permutex2var_epi16(a, columns, b)));
  }
#endif
  template <int bytes>
  static void expand(std::uint64_t mask, const void* from, const void* row,
                     void* to) requires(bytes == 4) {
    _mm512_storeu_si512(
        to, _mm512_mask_expand_epi32(_mm512_loadu_si512(row), static_cast<__mmask16>(mask),
                                     _mm512_loadu_si512(from)));
  }
#if defined(__AVX512VBMI2__)
  template <int bytes>
  static void expand(std::uint64_t mask, const void* from, const void* row,
                     void* to) requires(bytes == 2) {
    _mm512_storeu_si512(
        to, _mm512_mask_expand_epi16(_mm512_loadu_si512(row), static_cast<__mmask32>(mask),
                                     _mm512_loadu_si512(from)));
  }
  template <int bytes>
  static void expand(std::uint64_t mask, const void* from, const void* row,
                     void* to) requires(bytes == 1) {
    _mm512_storeu_si512(
        to, _mm512_mask_expand_epi8(_mm512_loadu_si512(row), mask, _mm512_loadu_si512(from)));
  }
#endif
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
#endif
