// Executors beyond the serial one.
#pragma once

#include <thread>
#include <vector>

#include "paths.hpp"

namespace tests {

/// Several std::threads; each takes every n-th piece, from the last one down.
inline runner on_threads_backwards(int threads) {
  return {[threads](std::ptrdiff_t count, const runner::body& piece) {
    std::vector<std::thread> team;
    for (int t = 0; t < threads; ++t) {
      team.emplace_back([=, &piece] {
        for (std::ptrdiff_t i = count - 1 - t; i >= 0; i -= threads) piece(i);
      });
    }
    for (std::thread& member : team) member.join();
  }};
}

/// All odd pieces, then all even ones, on the calling thread.
inline runner odd_pieces_first() {
  return {[](std::ptrdiff_t count, const runner::body& piece) {
    for (std::ptrdiff_t i = 1; i < count; i += 2) piece(i);
    for (std::ptrdiff_t i = 0; i < count; i += 2) piece(i);
  }};
}

#ifdef _OPENMP
inline runner on_openmp(int threads) {
  return {[threads](std::ptrdiff_t count, const runner::body& piece) {
    revlora::openmp{threads}.parallel_for(count, piece);
  }};
}
#endif

/// As many threads as the machine has, however they are had.
inline runner on_all_cores() {
  return on_threads_backwards(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
}

/// Sweeps of billions of elements make no sense under sanitizers and emulators.
#if defined(REVLORA_TESTS_EMULATED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sweeps_make_sense = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
inline constexpr bool sweeps_make_sense = false;
#else
inline constexpr bool sweeps_make_sense = true;
#endif
#else
inline constexpr bool sweeps_make_sense = true;
#endif

/// Compiled for a machine without FMA instructions, std::fma is a library call: smaller shapes.
#if defined(__x86_64__) && !defined(__FMA__)
inline constexpr bool slow_fma = true;
#else
inline constexpr bool slow_fma = false;
#endif

}  // namespace tests
