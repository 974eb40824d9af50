// The inline namespace that holds revlora's code, named after what the file is compiled for.
//
// A program may have files compiled with different flags. The linker keeps one copy of an inline
// function of several files: without a name of its own, code for AVX-512 could be called by a file
// that was compiled for any processor. What has code is in this namespace; what crosses it is plain
// data (kernel_interface.hpp). A type of revlora's is therefore another one in a file with other
// flags, which the linker notices.
#pragma once

#if defined(REVLORA_COMPILED_FOR)
// A source of revlora::dispatch: its copies are nobody else's, whatever flags others have.
#elif defined(__AVX512FP16__)
#define REVLORA_COMPILED_FOR avx512fp16
#elif defined(__AVX512BF16__)
#define REVLORA_COMPILED_FOR avx512bf16
#elif defined(__AVX512VBMI2__)
#define REVLORA_COMPILED_FOR avx512vbmi2
#elif defined(__AVX512BW__)
#define REVLORA_COMPILED_FOR avx512bw
#elif defined(__AVX512F__)
#define REVLORA_COMPILED_FOR avx512f
#elif defined(__AVX2__) && defined(__FMA__)
#define REVLORA_COMPILED_FOR avx2_fma
#elif defined(__AVX2__)
#define REVLORA_COMPILED_FOR avx2
#elif defined(__AVX__) && defined(__FMA__)
#define REVLORA_COMPILED_FOR avx_fma
#elif defined(__AVX__)
#define REVLORA_COMPILED_FOR avx
#elif defined(__SSE4_1__)
#define REVLORA_COMPILED_FOR sse4
#elif defined(__SSE2__)
#define REVLORA_COMPILED_FOR sse2
#elif defined(__aarch64__)
#define REVLORA_COMPILED_FOR neon
#else
#define REVLORA_COMPILED_FOR portable
#endif

#ifdef REVLORA_DISPATCH
#define REVLORA_KERNELS_FROM dispatch
#else
#define REVLORA_KERNELS_FROM headers
#endif
#ifdef __cpp_exceptions
#define REVLORA_ERRORS exceptions
#else
#define REVLORA_ERRORS aborts
#endif
#define REVLORA_JOIN(version, compiled_for, kernels_from, errors) \
  version##_##compiled_for##_##kernels_from##_##errors
#define REVLORA_JOIN_EXPANDED(version, compiled_for, kernels_from, errors) \
  REVLORA_JOIN(version, compiled_for, kernels_from, errors)
#define REVLORA_NAMESPACE \
  REVLORA_JOIN_EXPANDED(v0, REVLORA_COMPILED_FOR, REVLORA_KERNELS_FROM, REVLORA_ERRORS)
