// The steps of a checksum (checksum_rule.hpp), as vector code.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../checksum_rule.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "block.hpp"
#include "simd.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

/// Lanes of a checksum in registers.
template <class Arch>
class checksum {
 public:
  explicit checksum(const std::uint32_t* from = checksum_lanes().lane) {
    for (int v = 0; v < vectors; ++v)
      lane_[v] = words<Arch>::load_unaligned(from + v * lanes<Arch>);
  }

  /// Advances by a chunk of 128 bytes, which is this one of its stretch.
  void absorb_chunk(const std::byte* from, std::size_t place) {
    static constexpr checksum_factors factors;
    const auto* const its = reinterpret_cast<const std::byte*>(factors.at + place * 64);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const std::size_t at = static_cast<std::size_t>(v * lanes<Arch>) * sizeof(std::uint32_t);
      lane_[v] =
          lane_[v] + multiply_pairs<Arch>(load_words<Arch>(from + at), load_words<Arch>(its + at));
    }
  }
  /// What follows the last chunk of a stretch.
  void scramble() {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const words<Arch> mixed = lane_[v] * words<Arch>(0x85ebca6bu);
      lane_[v] = (mixed << 15) | (mixed >> 17);
    }
  }

  /// Advances by a block of weights, padding included: by one stretch, or two.
  template <class T>
  void absorb_block(const T* data, std::ptrdiff_t row_stride) {
    constexpr std::size_t row_chunks = block_cols * sizeof(T) / checksum_lanes::chunk_bytes;
    constexpr std::size_t stretch_rows = checksum_lanes::stretch_chunks / row_chunks;
    checksum local = *this;  // a copy that the compiler can keep in registers
    for (std::size_t top = 0; top < block_rows; top += stretch_rows) {
#pragma GCC unroll 16
      for (std::size_t i = 0; i < stretch_rows; ++i) {
        const auto* const row = reinterpret_cast<const std::byte*>(
            data + static_cast<std::ptrdiff_t>(top + i) * row_stride);
        prefetch_right(reinterpret_cast<const T*>(row));
        for (std::size_t chunk = 0; chunk < row_chunks; ++chunk)
          local.absorb_chunk(row + chunk * checksum_lanes::chunk_bytes, i * row_chunks + chunk);
      }
      local.scramble();
    }
    *this = local;
  }

  checksum_lanes state() const {
    checksum_lanes state;
    store(state.lane);
    return state;
  }
  void store(std::uint32_t* to) const {
    for (int v = 0; v < vectors; ++v) lane_[v].store_unaligned(to + v * lanes<Arch>);
  }

 private:
  static constexpr int vectors = checksum_lanes::count / lanes<Arch>;

  words<Arch> lane_[vectors];
};

/// The absorb kernel.
template <class Arch>
void absorb(std::uint32_t* lanes, const std::byte* from, std::size_t chunks, std::size_t before) {
  checksum<Arch> sum(lanes);
  for (; chunks > 0; --chunks, ++before, from += checksum_lanes::chunk_bytes) {
    const std::size_t place = before % checksum_lanes::stretch_chunks;
    sum.absorb_chunk(from, place);
    if (place + 1 == checksum_lanes::stretch_chunks) sum.scramble();
  }
  sum.store(lanes);
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
