// The opponent that gives back every bit too: keep a copy, merge, copy back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "cold_weights.hpp"
#include "roof.hpp"

namespace bench {

/// Past the caches, which would read each line of the destination before they write it.
inline void stream(std::byte* to, const std::byte* from, std::size_t bytes) {
  std::size_t done = 0;
#if defined(__SSE2__)
  if (reinterpret_cast<std::uintptr_t>(to) % 64 == 0) {
    for (; done + 64 <= bytes; done += 64) {
#if defined(__AVX512F__)
      _mm512_stream_si512(reinterpret_cast<__m512i*>(to + done), _mm512_loadu_si512(from + done));
#else
      for (std::size_t i = 0; i < 64; i += 16)
        _mm_stream_si128(reinterpret_cast<__m128i*>(to + done + i),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + done + i)));
#endif
    }
    _mm_sfence();
  }
#endif
  std::memcpy(to + done, from + done, bytes - done);
}

/// Whole cache lines for each thread.
inline void stream(revlora::any_matrix to, revlora::any_matrix from, std::size_t bytes,
                   int threads) {
  const std::size_t share = (bytes / static_cast<std::size_t>(threads) + 63) / 64 * 64;
  revlora::openmp{threads}.parallel_for(threads, [&](std::ptrdiff_t thread) {
    const std::size_t first = std::min(bytes, static_cast<std::size_t>(thread) * share);
    stream(static_cast<std::byte*>(to.data()) + first,
           static_cast<const std::byte*>(from.data()) + first, std::min(share, bytes - first));
  });
}

inline lasting_memory& backup_memory() {
  static lasting_memory memory;
  return memory;
}

/// Each matrix is copied, merged a third of the working set later, and copied back after another
/// third, as happens when a whole model is served merged: no step finds in a cache what the one
/// before it left there.
inline void backup_merge_restore(benchmark::State& state, const task& t) {
  cold_weights weights(t), backups(t, backup_memory());
  const random_adapter adapter(t);
  const std::size_t count = weights.count(), bytes = bytes_of(t);
  std::size_t i = 0;
  beside_roof calls(state, t);
  for (auto _ : state) {
    const std::size_t merged = (i + count - count / 3) % count;
    const std::size_t restored = (i + count - 2 * (count / 3)) % count;
    calls.time([&] {
      stream(backups[i], weights[i], bytes, t.threads);
      revlora::merge(weights[merged], adapter.view(), revlora::openmp{t.threads});
      stream(weights[restored], backups[restored], bytes, t.threads);
    });
    i = (i + 1) % count;
  }
}

}  // namespace bench
