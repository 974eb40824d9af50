// What processors have for bf16 beside vectors: VDPBF16PS, and AMX, which multiplies tiles.
//
// Asked for at run time, and used through assembly, so that a file compiled for AVX-512 alone can
// have them where they are. Both take subnormals as zero and flush them, in every mode; elsewhere
// they round to nearest even, in every mode.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"

#if defined(__AVX512F__) && defined(__x86_64__)
#define REVLORA_MAY_HAVE_BF16_UNITS

#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

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

/// The tiles of this thread, configured when they are first used, and released in the end, so that
/// the system need not save them. One object for all that a thread multiplies meanwhile: it
/// remembers how they are configured.
class tiles {
 public:
  static constexpr std::ptrdiff_t full_depth = 16;  ///< steps of a tile, two ranks each

  tiles() = default;
  tiles(const tiles&) = delete;
  tiles& operator=(const tiles&) = delete;
  ~tiles() {
    if (depth_ > 0) asm volatile("tilerelease");
  }

  /// `sums ← B·A` for a block, the sums in the contract's order: TDPBF16PS adds even and odd chain
  /// of 32 ranks, and their sum to what is there. `depth` is not zero, and at most 16 or a
  /// multiple of it.
  void multiply(const float* up, const float* down, std::ptrdiff_t depth, float* sums) {
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
        : "r"(sums), "r"(std::ptrdiff_t{4 * block_cols})
        : "memory");
  }

  /// Keeps the unit awake, after `multiply` on this thread: unused for about half a microsecond it
  /// falls asleep, and takes 0.3 µs to wake. The product is nobody's.
  static void keep_awake() { asm volatile("tdpbf16ps %tmm5, %tmm4, %tmm0"); }

 private:
  static const std::byte* at(const float* from, std::ptrdiff_t bytes) {
    return reinterpret_cast<const std::byte*>(from) + bytes;
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

  std::ptrdiff_t depth_ = 0;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
#else

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {
class tiles {};  // there are none
}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
#endif
