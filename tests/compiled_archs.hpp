// The instruction sets that a file which includes the kernels is compiled for.
#pragma once

#include <xsimd/xsimd.hpp>

#include "revlora/revlora.hpp"

#if XSIMD_WITH_SSE2
#define REVLORA_TESTS_IF_SSE2(...) __VA_ARGS__
#else
#define REVLORA_TESTS_IF_SSE2(...)
#endif
#if XSIMD_WITH_FMA3_AVX2
#define REVLORA_TESTS_IF_AVX2(...) __VA_ARGS__
#else
#define REVLORA_TESTS_IF_AVX2(...)
#endif
#if XSIMD_WITH_AVX512BW
#define REVLORA_TESTS_IF_AVX512(...) __VA_ARGS__
#else
#define REVLORA_TESTS_IF_AVX512(...)
#endif
#if XSIMD_WITH_NEON64
#define REVLORA_TESTS_IF_NEON64(...) __VA_ARGS__
#else
#define REVLORA_TESTS_IF_NEON64(...)
#endif

/// Calls X(Arch) for each; X gets a trailing type list, so it may contain commas.
#define REVLORA_TESTS_FOR_EACH_ARCH(X)                               \
  REVLORA_TESTS_IF_SSE2(X(xsimd::sse2))                              \
  REVLORA_TESTS_IF_AVX2(X(xsimd::fma3<xsimd::avx2>))                 \
  REVLORA_TESTS_IF_AVX512(X(avx512) X(avx512_pairs) X(avx512_tiles)) \
  REVLORA_TESTS_IF_NEON64(X(xsimd::neon64))

namespace tests {

template <class Arch>
struct arch_traits;

#if defined(__x86_64__)
template <>
struct arch_traits<xsimd::sse2> {
  static const char* name() { return "sse2"; }
  static bool runs_here() { return true; }
};
template <>
struct arch_traits<xsimd::fma3<xsimd::avx2>> {
  static const char* name() { return "avx2"; }
  static bool runs_here() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  }
};
#endif

#if XSIMD_WITH_AVX512BW
/// AVX-512 with the units that a machine has.
template <class... Units>
struct avx512_with {
  template <class Maps>
  static const revlora::kernel_interface::kernel_table& kernels() {
    return revlora::detail::kernels<xsimd::avx512bw, revlora::detail::unit_list<Units...>, Maps>;
  }
};
using avx512 = avx512_with<revlora::detail::fma_unit>;
using avx512_pairs = avx512_with<revlora::detail::fma_unit, revlora::detail::bf16_pairs_unit>;
using avx512_tiles = avx512_with<revlora::detail::fma_unit, revlora::detail::bf16_tiles_unit>;

template <>
struct arch_traits<avx512> {
  static const char* name() { return "avx512"; }
  static bool runs_here() { return __builtin_cpu_supports("avx512bw"); }
};
template <>
struct arch_traits<avx512_pairs> {
  static const char* name() { return "avx512bf16"; }
  static bool runs_here() { return revlora::detail::has_bf16_pairs(); }
};
template <>
struct arch_traits<avx512_tiles> {
  static const char* name() { return "amx"; }
  static bool runs_here() { return revlora::detail::has_bf16_tiles(); }
};
#endif

#if XSIMD_WITH_NEON64
template <>
struct arch_traits<xsimd::neon64> {
  static const char* name() { return "neon64"; }
  static bool runs_here() { return true; }
};
#endif

}  // namespace tests
