// The processor's intrinsics, in one place: GCC 12 warns of its own wherever they are inlined
// (GCC bug 105593), unless the warnings were off where they were first included.
#pragma once

#if defined(__AVX__)
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif
#elif defined(__SSE2__)
#include <emmintrin.h>  // a tenth of the lines
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
