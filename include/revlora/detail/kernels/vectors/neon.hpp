// Registers of 128 bits on AArch64.
#pragma once

#include <cstdint>
#include <cstring>

#include "intrinsics.hpp"
#include "registers.hpp"

#if defined(__aarch64__)
namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <>
struct registers<16> {
  template <class Register>
  static Register kept(Register bits) {
    asm("" : "+w"(bits));
    return bits;
  }
  static float32x4_t fused(float32x4_t a, float32x4_t b, float32x4_t c) {
    return vfmaq_f32(c, a, b);
  }
  static std::uint64_t to_integer(uint32x4_t mask) {
    const uint32x4_t weights = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(mask, weights));
  }
  static std::uint64_t halves_to_integer(uint16x8_t mask) {
    const uint16x8_t weights = {1, 2, 4, 8, 16, 32, 64, 128};
    return vaddvq_u16(vandq_u16(mask, weights));
  }

  static uint32x4_t load_u8(const void* from) {
    std::uint8_t bytes[8] = {};
    std::memcpy(bytes, from, 4);
    return vmovl_u16(vget_low_u16(vmovl_u8(vld1_u8(bytes))));
  }
  static void store_u8(void* to, uint32x4_t from) {
    const uint16x4_t halves = vmovn_u32(from);
    std::uint8_t bytes[8];
    vst1_u8(bytes, vmovn_u16(vcombine_u16(halves, halves)));
    std::memcpy(to, bytes, 4);
  }
  static uint32x4_t load_u16(const void* from) {
    std::uint16_t halves[4];
    std::memcpy(halves, from, sizeof halves);
    return widen_u16(vld1_u16(halves));
  }
  static void store_u16(void* to, uint32x4_t from) {
    std::uint16_t halves[4];
    vst1_u16(halves, vmovn_u32(from));
    std::memcpy(to, halves, sizeof halves);
  }
  static uint32x4_t pack_u16(uint32x4_t low, uint32x4_t high) {
    return join(vmovn_u32(low), vmovn_u32(high));
  }

  static float32x4_t widen_f16(uint16x4_t from) { return vcvt_f32_f16(vreinterpret_f16_u16(from)); }
  static uint16x4_t narrow_f16(float32x4_t from) {
    return vreinterpret_u16_f16(vcvt_f16_f32(from));
  }
  static uint32x4_t widen_u16(uint16x4_t from) { return vmovl_u16(from); }
  static uint32x4_t join(uint16x4_t lower, uint16x4_t upper) {
    return vreinterpretq_u32_u16(vcombine_u16(lower, upper));
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
#endif
