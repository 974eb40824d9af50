// AMX, which multiplies tiles of bf16. It takes subnormals as zero and flushes them, and rounds to
// nearest even, in every mode.
//
// By assembly: whether the machine has it is asked at run time, so that a file compiled for AVX-512
// alone can use it.
#pragma once

#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../namespace.hpp"
#include "../../panels.hpp"
#include "../simd.hpp"
#include "bf16_steps.hpp"
#include "unit.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Whether AMX for bf16 is there and this process may use it: Linux wants to be asked, because the
/// tiles make every thread's saved state 8 KiB larger once they are used.
inline bool has_bf16_tiles() {
#if defined(__linux__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
  if ((d & amx_bf16) == 0 || (d & amx_tile) == 0) return false;
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

/// The tiles of a thread, configured when they are first used, and released in the end, so that the
/// system need not save them. One object for all that a thread multiplies meanwhile: it remembers
/// how they are configured.
class bf16_tiles_unit {
 public:
  static constexpr arithmetic kind = arithmetic::bf16_tiles;

  template <element T>
  static constexpr bool takes = std::same_as<T, bf16>;

  static bool is_exact(magnitudes b, magnitudes a) { return stay_normal(b, a); }

  /// k in the low half of a step and k + 1 in the high. Up to 32 ranks make one tile of as many
  /// steps as they need; more are filled up to a multiple of 32.
  static constexpr step_group group_of(std::ptrdiff_t rank) {
    const auto steps = static_cast<int>(std::min<std::ptrdiff_t>(full_depth, (rank + 1) / 2));
    return {2 * steps, steps};
  }

  static constexpr bool broadcasts_up = false;

  /// A tile row by row.
  static void put_up(const bf16* ranks, int steps, float* to) {
    std::memcpy(to, ranks, static_cast<std::size_t>(steps) * sizeof(float));
  }
  /// Four tiles of 16 columns, one after the other.
  static void put_down(const bf16 (*ranks)[block_cols], int steps, bool splits_columns, float* to) {
    std::uint32_t words[block_cols];
    for (int step = 0; step < steps; ++step) {
      put_bf16_steps(ranks[2 * step], ranks[2 * step + 1], splits_columns, words);
      for (int tile = 0; tile < 4; ++tile)
        std::memcpy(to + (tile * steps + step) * 16, words + tile * 16, 64);
    }
  }

  bf16_tiles_unit() = default;
  bf16_tiles_unit(const bf16_tiles_unit&) = delete;
  bf16_tiles_unit& operator=(const bf16_tiles_unit&) = delete;
  ~bf16_tiles_unit() {
    if (depth_ > 0) asm volatile("tilerelease");
  }

  /// `depth` is not zero, and at most 16 or a multiple of it. Tiles are read by way of memory only.
  template <class Arch, class Visit>
  [[gnu::always_inline]] void multiply(const float* up, const float* down, std::ptrdiff_t depth,
                                       const Visit& visit) {
    constexpr int row_vectors = block_cols / lanes<Arch>;
    multiply_tiles(up, down, depth);
    for (int row = 0; row < block_rows; ++row) {
      floats<Arch> sums[row_vectors];
#pragma GCC unroll 8
      for (int j = 0; j < row_vectors; ++j)
        sums[j] = floats<Arch>::load_aligned(sums_ + row * block_cols + j * lanes<Arch>);
      visit(row, 0, sums);
    }
  }

  /// For who takes long from one product to the next: unused for about half a microsecond the unit
  /// falls asleep, and takes 0.3 µs to wake. The product is nobody's.
  void keep_awake() const {
    if (depth_ > 0) asm volatile("tdpbf16ps %tmm5, %tmm4, %tmm0");
  }

 private:
  static constexpr std::ptrdiff_t full_depth = 16;  ///< steps of a tile, two ranks each

  static const std::byte* at(const float* from, std::ptrdiff_t bytes) {
    return reinterpret_cast<const std::byte*>(from) + bytes;
  }

  /// TDPBF16PS adds even and odd chain of 32 ranks, and their sum to what is there.
  [[gnu::noinline]] void multiply_tiles(const float* up, const float* down, std::ptrdiff_t depth) {
    configure(std::min(depth, full_depth));
    const std::ptrdiff_t up_row_bytes = 4 * depth_, tile_bytes = 64 * depth_;
    asm volatile("tilezero %tmm0\n\ttilezero %tmm1\n\ttilezero %tmm2\n\ttilezero %tmm3");
    for (; depth > 0; depth -= depth_, up += 16 * depth_, down += block_cols * depth_)
      asm volatile(
          "tileloadd (%[up],%[up_row],1), %%tmm4\n\t"
          "tileloadd (%[down],%[row],1), %%tmm5\n\t"
          "tdpbf16ps %%tmm5, %%tmm4, %%tmm0\n\t"
          "tileloadd (%[down1],%[row],1), %%tmm6\n\t"
          "tdpbf16ps %%tmm6, %%tmm4, %%tmm1\n\t"
          "tileloadd (%[down2],%[row],1), %%tmm7\n\t"
          "tdpbf16ps %%tmm7, %%tmm4, %%tmm2\n\t"
          "tileloadd (%[down3],%[row],1), %%tmm5\n\t"
          "tdpbf16ps %%tmm5, %%tmm4, %%tmm3"
          :
          : [up] "r"(up), [down] "r"(down), [down1] "r"(at(down, tile_bytes)),
            [down2] "r"(at(down, 2 * tile_bytes)), [down3] "r"(at(down, 3 * tile_bytes)),
            [up_row] "r"(up_row_bytes), [row] "r"(std::ptrdiff_t{64})
          : "memory");
    asm volatile(
        "tilestored %%tmm0, (%0,%1,1)\n\t"
        "tilestored %%tmm1, 64(%0,%1,1)\n\t"
        "tilestored %%tmm2, 128(%0,%1,1)\n\t"
        "tilestored %%tmm3, 192(%0,%1,1)"
        :
        : "r"(sums_), "r"(std::ptrdiff_t{4 * block_cols})
        : "memory");
  }

  /// Four tiles of sums, 16×16; one of B, 16 × depth steps; three for A, depth × 16 steps.
  void configure(std::ptrdiff_t depth) {
    if (depth == depth_) return;
    depth_ = depth;
    const auto steps = static_cast<std::uint8_t>(depth);
    const auto bytes = static_cast<std::uint16_t>(4 * depth);
    struct alignas(64) {
      std::uint8_t palette, start_row, reserved[14];
      std::uint16_t row_bytes[16];
      std::uint8_t rows[16];
    } const shape{
        1, 0, {}, {64, 64, 64, 64, bytes, 64, 64, 64}, {16, 16, 16, 16, 16, steps, steps, steps}};
    asm volatile("ldtilecfg %0" : : "m"(shape));
  }

  alignas(64) float sums_[block_size];
  std::ptrdiff_t depth_ = 0;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
