// One checksum for everything: weights, factors, and the record itself.
//
// 32 lanes of 32 bits; each 128 bytes of input advance every lane by
// `lane ← rotate_left((lane xor word) · odd constant, 15)`. Both the step and the final folding are
// one-to-one in each lane, so a change confined to one word is always seen, whatever the width of
// the result. Not cryptographic: it tells accidents apart, not forgeries.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "block.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

/// A one-to-one scrambling of 64 bits (the finaliser of SplitMix64, Steele et al. 2014).
constexpr std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

template <class Arch = xsimd::default_arch>
class checksum {
 public:
  static constexpr int lane_count = 32;
  static constexpr int chunk_bytes = 4 * lane_count;

  checksum() {
    std::uint32_t start[lane_count];
    for (std::uint32_t i = 0; i < lane_count; ++i) start[i] = (i + 1) * 0x9e3779b9u;
    for (int v = 0; v < vectors; ++v)
      lane_[v] = words<Arch>::load_unaligned(start + v * lanes<Arch>);
  }

  /// Advances by 128 bytes.
  void absorb_chunk(const std::byte* from) {
    const words<Arch> odd(0x85ebca6bu);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const words<Arch> word = load_words<Arch>(from + v * lanes<Arch> * sizeof(std::uint32_t));
      const words<Arch> mixed = (lane_[v] ^ word) * odd;
      lane_[v] = (mixed << 15) | (mixed >> 17);
    }
  }

  /// Advances by a block of weights, padding included.
  template <class T>
  void absorb_block(const T* data, std::ptrdiff_t row_stride = block_cols) {
    checksum local = *this;  // a copy the compiler can keep in registers
    for (int i = 0; i < block_rows; ++i)
      for (std::size_t at = 0; at < block_cols * sizeof(T); at += chunk_bytes)
        local.absorb_chunk(reinterpret_cast<const std::byte*>(data + i * row_stride) + at);
    *this = local;
  }

  std::uint32_t result32() const {
    std::uint32_t folded = 0;
    for (const std::uint32_t word : state()) folded = std::rotl((folded ^ word) * 0xc2b2ae35u, 13);
    return folded ^ (folded >> 16);
  }
  std::uint64_t result64() const {
    std::uint64_t folded = 0;
    for (const std::uint32_t word : state()) folded = scramble(folded ^ word);
    return folded;
  }

 private:
  static constexpr int vectors = lane_count / lanes<Arch>;

  std::array<std::uint32_t, lane_count> state() const {
    std::array<std::uint32_t, lane_count> state;
    for (int v = 0; v < vectors; ++v) lane_[v].store_unaligned(state.data() + v * lanes<Arch>);
    return state;
  }

  words<Arch> lane_[vectors];
};

/// The checksum of bytes that come in pieces of any size; where they were cut does not matter.
class stream_checksum {
 public:
  void absorb(const void* from, std::size_t bytes) {
    const std::byte* at = static_cast<const std::byte*>(from);
    total_ += bytes;
    while (bytes > 0) {
      if (filled_ == 0 && bytes >= sizeof chunk_) {
        sum_.absorb_chunk(at);
        at += sizeof chunk_;
        bytes -= sizeof chunk_;
      } else {
        const std::size_t piece = std::min(bytes, sizeof chunk_ - filled_);
        std::memcpy(chunk_ + filled_, at, piece);
        at += piece;
        bytes -= piece;
        filled_ += piece;
        if (filled_ == sizeof chunk_) {
          sum_.absorb_chunk(chunk_);
          filled_ = 0;
        }
      }
    }
  }
  template <class Integer>
  void absorb(Integer value) {
    absorb(&value, sizeof value);
  }

  /// The last chunk counts as filled up with zeros, and the number of bytes counts too.
  std::uint64_t result() const {
    checksum<> sum = sum_;
    if (filled_ > 0) {
      std::byte padded[sizeof chunk_] = {};
      std::memcpy(padded, chunk_, filled_);
      sum.absorb_chunk(padded);
    }
    return scramble(sum.result64() ^ total_);
  }

 private:
  checksum<> sum_;
  std::byte chunk_[checksum<>::chunk_bytes];
  std::size_t filled_ = 0;
  std::uint64_t total_ = 0;
};

/// What the checksum of a matrix is added up from, panel by panel and in any order.
struct panel_checksums {
  std::uint32_t narrow;  ///< kept in the record for each merged panel
  std::uint64_t wide;    ///< added to the matrix's checksum

  template <class Arch>
  panel_checksums(const checksum<Arch>& sum, std::ptrdiff_t panel)
      : narrow(sum.result32()),
        wide(scramble(sum.result64() + static_cast<std::uint64_t>(panel) * 0x9e3779b97f4a7c15u)) {}
};

}  // namespace revlora::inline v0::detail
