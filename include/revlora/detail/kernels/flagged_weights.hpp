// The weights of some blocks that may carry bits, taken out of the rows as these pass, side by
// side, so that their codes are computed densely. To gather them from memory afterwards, by their
// places, took half as long again as all the rest of a merge (AMD Zen 5, and Intel since gathers
// were made safe).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "../format.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "block.hpp"
#include "delta.hpp"
#include "loads.hpp"
#include "simd.hpp"
#include "stored_weights.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Codes are computed and packed so many at a time.
inline constexpr int group_size = 16;

/// Blocks that are coded together: as many as 16 KiB of L1 hold, because a decoder keeps them.
template <element T>
inline constexpr int strip_blocks = 16 * 1024 / (block_size * static_cast<int>(sizeof(T)));

template <class Arch, element T>
class flagged_weights {
 public:
  /// A strip ends when so many are there.
  static constexpr int many = 256;
  static constexpr int capacity = many + block_size + 80;
  static constexpr int groups = capacity / group_size;

  flagged_weights() { std::fill_n(lanes_, groups, all_lanes); }

  int blocks() const { return blocks_; }
  bool is_full() const { return blocks_ == strip_blocks<T> || first_[blocks_] >= many; }
  void clear() {
    for (int block = 0; block < blocks_; ++block)
      lanes_[(end_[block] - 1) / group_size] = all_lanes;
    blocks_ = 0;
  }

  /// Those of a block: from the first of a group, up to behind the last one.
  int first_of(int block) const { return first_[block]; }
  int end_of(int block) const { return end_[block]; }
  /// Behind all groups.
  int end() const { return first_[blocks_]; }
  /// The lanes of a group that are there; the others have one candidate.
  std::uint32_t lanes_of(int group) const { return lanes_[group]; }

  words<Arch> weights(int i) const { return load<Arch>(weight_ + i); }
  floats<Arch> deltas(int i) const { return floats<Arch>::load_aligned(delta_ + i); }
  std::uint32_t weight(int i) const { return bits_of(weight_[i]); }
  float delta(int i) const { return delta_[i]; }
  /// The columns of a row that they are from.
  std::uint64_t columns(int block, int row) const { return columns_[block][row]; }
  /// 64·row + column.
  [[gnu::noinline]] int place_of(int block, int i) const {
    int n = i - first_[block], row = 0;
    for (; n >= std::popcount(columns_[block][row]); ++row)
      n -= std::popcount(columns_[block][row]);
    std::uint64_t rest = columns_[block][row];
    for (; n > 0; --n) rest &= rest - 1;
    return row * block_cols + std::countr_zero(rest);
  }

  /// Takes columns out of the rows of the next block.
  [[gnu::always_inline]] void take(const std::uint64_t (&columns)[block_rows], const T* from,
                                   std::ptrdiff_t stride, const block_delta& delta) {
    int n = end();
    for (int row = 0; row < block_rows; ++row) {
      columns_[blocks_][row] = columns[row];
      stored_pair<Arch, T> weights[pairs_of_row<Arch>];
      floats<Arch> d[pairs_of_row<Arch>][2];
#pragma GCC unroll 8
      for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
        weights[pair] = stored_pair<Arch, T>::load(from + row * stride + pair * 2 * lanes<Arch>);
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i)
          d[pair][i] = floats<Arch>::load_aligned(delta.values + row * block_cols +
                                                  delta_offset<Arch, T>(pair, i));
      }
      n = take_row(columns[row], weights, d, n);
    }
    end_block(n);
  }

 private:
  static constexpr std::uint16_t all_lanes = 0xffff;

  [[gnu::always_inline]] int take_row(std::uint64_t columns,
                                      const stored_pair<Arch, T> (&weights)[pairs_of_row<Arch>],
                                      const floats<Arch> (&d)[pairs_of_row<Arch>][2], int n) {
    const int count = std::popcount(columns);
    if constexpr (requires { native<Arch>::places_of(columns); }) {
      const auto places = native<Arch>::places_of(columns);
      put<0>(places, weights, d, n);
      if (count > group_size) [[unlikely]] {
        put<1>(places, weights, d, n);
        if (count > 2 * group_size) {
          put<2>(places, weights, d, n);
          put<3>(places, weights, d, n);
        }
      }
    } else {
      put_one_by_one(columns, weights, d, n);
    }
    return n + count;
  }
  /// The next block ends before `n`. Fills its last group.
  void end_block(int n) {
    for (int i = 0; i < group_size; i += lanes<Arch>) {
      store<Arch>(weight_ + n + i, words<Arch>(bits_of(T(1.0f))));
      floats<Arch>(0.0f).store_unaligned(delta_ + n + i);
    }
    end_[blocks_] = n;
    const int groups_end = (n + group_size - 1) / group_size;
    if (n > first_[blocks_])
      lanes_[groups_end - 1] =
          static_cast<std::uint16_t>(all_lanes >> (groups_end * group_size - n));
    first_[++blocks_] = groups_end * group_size;
  }

  /// The `part`-th sixteen of them.
  template <int part>
  [[gnu::always_inline]] void put(const auto& places,
                                  const stored_pair<Arch, T> (&weights)[pairs_of_row<Arch>],
                                  const floats<Arch> (&d)[pairs_of_row<Arch>][2], int n) {
    const int to = n + part * group_size;
    stored_pair<Arch, T>::template take<part>(weights, places, weight_ + to);
    take_delta<Arch, T>(d, words<Arch>(native<Arch>::template places_at<part>(places)))
        .store_unaligned(delta_ + to);
  }

  [[gnu::noinline]] void put_one_by_one(std::uint64_t columns,
                                        const stored_pair<Arch, T> (&weights)[pairs_of_row<Arch>],
                                        const floats<Arch> (&d)[pairs_of_row<Arch>][2], int n) {
    T w[block_cols];
    alignas(64) float deltas[block_cols];
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
      weights[pair].store(w + pair * 2 * lanes<Arch>);
      for (int i = 0; i < 2; ++i) d[pair][i].store_aligned(deltas + delta_offset<Arch, T>(pair, i));
    }
    for (; columns != 0; columns &= columns - 1, ++n) {
      const int column = std::countr_zero(columns);
      weight_[n] = w[column];
      delta_[n] = deltas[delta_place<T>(column)];
    }
  }

  int blocks_ = 0;
  int first_[strip_blocks<T> + 1] = {};
  int end_[strip_blocks<T>];
  std::uint16_t lanes_[groups];
  std::uint64_t columns_[strip_blocks<T>][block_rows];
  alignas(64) T weight_[capacity];
  alignas(64) float delta_[capacity];
};

/// The codes of the weights of a strip, as if all were phase-in codes.
template <int capacity>
struct strip_codes {
  static constexpr int groups = capacity / group_size;

  alignas(64) std::uint16_t heads[capacity];
  alignas(64) std::uint16_t masks[capacity];  ///< as many ones as a head has bits
  std::uint16_t tails[groups];                ///< lanes with one
  std::uint16_t tail_bits[groups];            ///< at their lanes
  std::uint16_t irregular[groups];            ///< lanes to be coded one by one
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
