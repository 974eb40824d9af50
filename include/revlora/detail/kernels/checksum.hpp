// The steps of a checksum (checksum_rule.hpp), as vector code.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../namespace.hpp"
#include "../panels.hpp"
#include "../record/checksum_rule.hpp"
#include "block.hpp"
#include "loads.hpp"
#include "simd.hpp"
#include "stored_weights.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

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
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v)
      absorb(load_words<Arch>(from + v * vector_bytes), place * vectors, v);
  }
  /// What follows the last chunk of a stretch.
  void scramble() {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const words<Arch> mixed = lane_[v] * words<Arch>(0x85ebca6bu);
      lane_[v] = (mixed << 15) | (mixed >> 17);
    }
  }

  /// Advances by the weights of a row of a block, by pairs of vectors.
  template <element T>
  [[gnu::always_inline]] void absorb_row(const stored_pair<Arch, T> (&pairs)[pairs_of_row<Arch>],
                                         int row) {
    constexpr int vectors_of_pair = stored_pair<Arch, T>::vectors;
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
#pragma GCC unroll 2
      for (int i = 0; i < vectors_of_pair; ++i)
        absorb(pairs[pair].words_of(i), place_of<T>(row) * vectors, pair * vectors_of_pair + i);
    if (place_of<T>(row + 1) == 0) scramble();
  }

  /// Advances by a block of weights, padding included: by one stretch, or two.
  template <element T>
  [[gnu::noinline]] void absorb_block(const T* data, std::ptrdiff_t row_stride) {
    checksum local = *this;  // a copy that the compiler can keep in registers
#pragma GCC unroll 16
    for (int row = 0; row < block_rows; ++row) {
      const T* const from = data + row * row_stride;
      prefetch_right(from);
      if constexpr (sizeof(T) == 1) {
        stored_pair<Arch, T> pairs[pairs_of_row<Arch>];
        for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
          pairs[pair] = stored_pair<Arch, T>::load(from + pair * 2 * lanes<Arch>);
        local.absorb_row(pairs, row);
        continue;
      }
      for (std::size_t chunk = 0; chunk < row_chunks<T>; ++chunk)
        local.absorb_chunk(
            reinterpret_cast<const std::byte*>(from) + chunk * checksum_lanes::chunk_bytes,
            place_of<T>(row) + chunk);
      if (place_of<T>(row + 1) == 0) local.scramble();
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
  static constexpr std::ptrdiff_t vector_bytes = checksum_lanes::chunk_bytes / vectors;

  /// A weight of one byte counts as the 16-bit number of that byte, so that blocks are stretches.
  template <element T>
  static constexpr std::size_t row_chunks =
      block_cols* std::max<std::size_t>(2, sizeof(T)) / checksum_lanes::chunk_bytes;
  /// Of a row's first chunk in its stretch.
  template <element T>
  static constexpr std::size_t place_of(int row) {
    return static_cast<std::size_t>(row) * row_chunks<T> % checksum_lanes::stretch_chunks;
  }

  /// Advances by a vector, which is this one from a place of the stretch on.
  void absorb(words<Arch> bits, std::size_t first, int vector) {
    static constexpr checksum_factors factors;
    const std::size_t at = (first + static_cast<std::size_t>(vector)) * vector_bytes;
    words<Arch>& lane = lane_[vector % vectors];
    lane = lane + multiply_pairs<Arch>(
                      bits, load_words<Arch>(reinterpret_cast<const std::byte*>(factors.at) + at));
  }

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

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
