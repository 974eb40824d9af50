// VDPBF16PS of AVX512-BF16, which advances a chain by two products of bf16. It takes subnormals as
// zero and flushes them, and rounds to nearest even, in every mode.
//
// By assembly: whether the machine has the instruction is asked at run time, so that a file
// compiled for AVX-512 alone can use it.
#pragma once

#include <cpuid.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../namespace.hpp"
#include "../../panels.hpp"
#include "../simd.hpp"
#include "bf16_steps.hpp"
#include "chains.hpp"
#include "unit.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline bool has_bf16_pairs() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1u << 5)) != 0;
}

/// Whether VDPBF16PS is there and faster than FMA. Intel's is not: Sapphire Rapids does half as
/// many products in a second by it (`peak_dot_pairs` and `peak_fma` of ./dev bench).
inline bool has_fast_bf16_pairs() {
  __builtin_cpu_init();  // in case the constructor of a global asks
  return has_bf16_pairs() && !__builtin_cpu_is("intel");
}

struct bf16_pairs_unit {
  static constexpr arithmetic kind = arithmetic::bf16_pairs;
  static constexpr std::ptrdiff_t chain_steps = 16;  ///< two ranks each
  static constexpr bool broadcasts_up = true;

  template <element T>
  static constexpr bool takes = std::same_as<T, bf16>;

  static bool is_exact(magnitudes b, magnitudes a) { return stay_normal(b, a); }

  /// k in the high half of a step and k + 2 in the low, then k + 1 and k + 3: the high halves are
  /// multiplied first, so that a chain advances in ascending order.
  static constexpr step_group group_of(std::ptrdiff_t) { return {4, 2}; }

  static void put_up(const bf16* ranks, int steps, float* to) {
    for (int step = 0; step < steps; ++step) {
      const bf16* const first = ranks + step / 2 * 4 + step % 2;
      to[step] = as_floats(bf16_step(first[2], first[0]));
    }
  }
  static void put_down(const bf16 (*ranks)[block_cols], int steps, bool splits_columns, float* to) {
    std::uint32_t words[block_cols];
    for (int step = 0; step < steps; ++step) {
      put_bf16_steps(ranks[step + 2], ranks[step], splits_columns, words);
      std::memcpy(to + step * block_cols, words, sizeof words);
    }
  }

  template <class Arch>
  static floats<Arch> advance(floats<Arch> b, floats<Arch> a, floats<Arch> chain) {
    auto sums = chain.data;
    asm("vdpbf16ps %2, %1, %0" : "+v"(sums) : "v"(b.data), "v"(a.data));
    return floats<Arch>(sums);
  }

  template <class Arch, class Visit>
  [[gnu::always_inline]] void multiply(const float* up, const float* down, std::ptrdiff_t depth,
                                       const Visit& visit) const {
    multiply_by_chains<Arch, bf16_pairs_unit>(up, down, depth, visit);
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
