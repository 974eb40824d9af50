// One checksum for everything: weights, factors, and the record itself.
//
// 32 lanes of 32 bits. A chunk of 128 bytes is a word for each lane, of two signed 16-bit numbers;
// the lane grows by their products with two factors that are kept for that place in a stretch of 16
// chunks, which one instruction does on most processors. After each stretch a lane is scrambled,
// `lane ← rotate_left(lane · odd constant, 15)`, so that the order of stretches counts.
//
// The factors are the powers of 5 in 16 bits: odd, so that a change confined to 16 bits is always
// seen, whatever the width of the result, because scrambling and folding are one-to-one in each
// lane; and no two of equal magnitude, so that neither do two changed signs cancel. Not
// cryptographic: it tells accidents apart, not forgeries.
//
// Here is what a machine does that has nothing; the steps between start and end are a kernel too
// (kernels/checksum.hpp).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::panel_checksums;

/// A one-to-one scrambling of 64 bits (the finaliser of SplitMix64, Steele et al. 2014).
constexpr std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Powers of 5, by place: two for each lane of a chunk, chunk by chunk of a stretch.
struct checksum_factors {
  alignas(64) std::int16_t at[16 * 64];

  constexpr checksum_factors() : at() {
    std::uint16_t power = 1;
    for (std::int16_t& factor : at) {
      power = static_cast<std::uint16_t>(power * 5);
      factor = static_cast<std::int16_t>(power);
    }
  }
};

struct checksum_lanes {
  static constexpr int count = 32;
  static constexpr std::size_t chunk_bytes = count * sizeof(std::uint32_t);
  static constexpr std::size_t stretch_chunks = 16;

  std::uint32_t lane[count];

  constexpr checksum_lanes() : lane() {
    for (std::uint32_t i = 0; i < count; ++i) lane[i] = (i + 1) * 0x9e3779b9u;
  }
  std::uint32_t result32() const {
    std::uint32_t folded = 0;
    for (const std::uint32_t word : lane) folded = std::rotl((folded ^ word) * 0xc2b2ae35u, 13);
    return folded ^ (folded >> 16);
  }
  std::uint64_t result64() const {
    std::uint64_t folded = 0;
    for (const std::uint32_t word : lane) folded = scramble(folded ^ word);
    return folded;
  }
  /// What the checksum of a matrix is added up from, panel by panel and in any order.
  panel_checksums of_panel(std::ptrdiff_t panel) const {
    return {result32(),
            scramble(result64() + static_cast<std::uint64_t>(panel) * 0x9e3779b97f4a7c15u)};
  }
};

using kernel_interface::absorb_steps;

/// The steps, on any machine.
inline void absorb_chunks(std::uint32_t* lanes, const std::byte* from, std::size_t chunks,
                          std::size_t before) {
  static constexpr checksum_factors factors;
  for (; chunks > 0; --chunks, ++before, from += checksum_lanes::chunk_bytes) {
    const std::size_t place = before % checksum_lanes::stretch_chunks;
    std::int16_t numbers[2 * checksum_lanes::count];
    std::memcpy(numbers, from, sizeof numbers);
    const std::int16_t* const factor = factors.at + place * 2 * checksum_lanes::count;
    for (std::size_t i = 0; i < checksum_lanes::count; ++i)
      lanes[i] += static_cast<std::uint32_t>(numbers[2 * i] * factor[2 * i]) +
                  static_cast<std::uint32_t>(numbers[2 * i + 1] * factor[2 * i + 1]);
    if (place + 1 < checksum_lanes::stretch_chunks) continue;
    for (std::size_t i = 0; i < checksum_lanes::count; ++i)
      lanes[i] = std::rotl(lanes[i] * 0x85ebca6bu, 15);
  }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
