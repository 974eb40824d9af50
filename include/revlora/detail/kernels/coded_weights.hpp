// The weights of a block that may carry bits, side by side, so that their candidates are computed
// densely.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "../namespace.hpp"
#include "block.hpp"
#include "convert.hpp"
#include "delta.hpp"
#include "element_code.hpp"
#include "maps/map.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline constexpr int group_size = 16;

/// Some coded weights. Together, because arrays of a whole block would lie 4 KiB apart and compete
/// for the same places of the cache.
struct alignas(64) coded_group {
  std::uint32_t merged[group_size];
  float delta[group_size];
  std::uint32_t lowest[group_size];  ///< of the candidates
  std::uint32_t count[group_size];
  std::uint32_t raw[group_size];   ///< not zero if any weight is a candidate
  std::uint16_t mask[group_size];  ///< as many ones as the head of a phase-in code has bits
  std::uint32_t irregular;         ///< the lanes whose codes are of another kind

  template <element T>
  code_shape<T> shape(int i) const {
    return {raw[i] != 0, {lowest[i], count[i]}};
  }
  /// Heads are handled four at a time, if no code is of another kind.
  std::uint64_t masks(int first) const { return four(mask + first); }

  static std::uint64_t four(const std::uint16_t* fields) {
    std::uint64_t together;
    std::memcpy(&together, fields, sizeof together);
    return together;
  }
};

template <class Arch, map Map>
class coded_weights {
 public:
  using T = typename Map::weight;

  int size() const { return size_; }
  int groups() const { return (size_ + group_size - 1) / group_size; }
  const coded_group& of(int n) const { return groups_[n]; }
  int position(int n) const { return position_[n]; }  ///< 64·row + column

  /// Some weights of a block, less its padding.
  coded_weights(const columns_of_block& which, const weight_block<T>& block) {
    std::uint16_t* to = position_;
    for (int row = 0; row < block_rows; ++row)
      to = put_places<Arch>(which.of_row[row] & block.valid_columns(row),
                            static_cast<std::uint16_t>(row * block_cols), to);
    size_ = static_cast<int>(to - position_);
  }

  /// Looks for the candidates of all of them, given the merged block and its deltas.
  void find(const weight_block<T>& merged, const block_delta& delta,
            const thread_units<Arch>& units) {
    std::fill_n(position_ + size_, group_size, std::uint16_t{0});
    for (int n = 0; n < groups(); ++n) {
      coded_group& group = groups_[n];
      group.irregular = 0;
      units.keep_awake();
      for (int i = 0; i < group_size; i += lanes<Arch>) {
        const words<Arch> at = load_u16<Arch>(position_ + n * group_size + i);
        const words<Arch> values = gather<Arch>(delta.values, delta_place<T>(at));
        as_floats<Arch>(values).store_aligned(group.delta + i);
        gather_from(merged, at).store_aligned(group.merged + i);
      }
      find_candidates(group);
      for (int i = 0; i < group_size; i += lanes<Arch>) classify(group, i);
    }
    // What fills the last group has one candidate, and so no bits.
    for (int i = size_; i % group_size != 0; ++i) {
      coded_group& last = groups_[i / group_size];
      last.mask[i % group_size] = 0;
      last.irregular &= ~(1u << i % group_size);
    }
  }

  /// The codes of a group, as if all were phase-in codes.
  struct group_codes {
    alignas(64) std::uint32_t weights[group_size];
    alignas(64) std::uint32_t doubled[group_size];  ///< place + short_places
    alignas(64) std::uint16_t heads[group_size];
    std::uint32_t lost = 0;  ///< lanes that are not among their candidates
    std::uint32_t tail = 0;  ///< lanes with a tail: the last bit of `doubled`
  };

  /// Given the block as it was.
  group_codes codes(const weight_block<T>& base, int n) const {
    const coded_group& group = groups_[n];
    group_codes made;
    for (int i = 0; i < group_size; i += lanes<Arch>) {
      const words<Arch> count = words<Arch>::load_aligned(group.count + i);
      const words<Arch> x = gather_from(base, load_u16<Arch>(position_ + n * group_size + i));
      const words<Arch> place = order_of<T>(x) - words<Arch>::load_aligned(group.lowest + i);
      const phase_in<words<Arch>> code(count);
      const word_mask<Arch> is_long = place >= code.short_places;
      const words<Arch> doubled = place + code.short_places;
      x.store_aligned(made.weights + i);
      doubled.store_aligned(made.doubled + i);
      store_u16<Arch>(made.heads + i, choose<Arch>(is_long, doubled >> 1, place));
      made.lost |= static_cast<std::uint32_t>(to_integer<Arch>(place >= count) << i);
      made.tail |= static_cast<std::uint32_t>(to_integer<Arch>(is_long) << i);
    }
    return made;
  }

  /// Writes what a group was, given the heads of its phase-in codes; returns the lanes that have a
  /// tail.
  std::uint32_t restore(int n, const std::uint16_t* heads, T* restored) const {
    const coded_group& group = groups_[n];
    alignas(64) std::uint32_t weights[group_size];
    std::uint64_t tail = 0;
    for (int i = 0; i < group_size; i += lanes<Arch>) {
      const words<Arch> head = load_u16<Arch>(heads + i);
      const phase_in<words<Arch>> code(words<Arch>::load_aligned(group.count + i));
      tail |= to_integer<Arch>(head >= code.short_places) << i;
      from_order<T>(words<Arch>::load_aligned(group.lowest + i) + head).store_aligned(weights + i);
    }
    const int start = n * group_size, size = std::min(group_size, size_ - start);
    for (int i = 0; i < size; ++i) restored[position_[start + i]] = from_bits<T>(weights[i]);
    return static_cast<std::uint32_t>(tail) & ((1u << size) - 1);
  }

  /// Whether each of them merges to what it was merged to, given the block as it is to be restored.
  bool lead_to_merged(const T* restored) const {
    std::uint32_t wrong = 0;
    for (int n = 0; n < size_; ++n) {
      const coded_group& group = groups_[n / group_size];
      const float d = group.delta[n % group_size];
      const std::uint32_t base = bits_of(restored[position(n)]);
      wrong |= Map::apply(base, d) ^ group.merged[n % group_size];
    }
    return wrong == 0;
  }

 private:
  /// Rows of a block are read in full, and consist of whole words.
  static words<Arch> gather_from(const weight_block<T>& block, words<Arch> at) {
    const words<Arch> stride(static_cast<std::uint32_t>(block.source_stride));
    return gather<Arch>(block.source, (at >> 6) * stride + (at & words<Arch>(63u)),
                        at & words<Arch>(63u));
  }

  static void find_candidates(coded_group& group) {
    if constexpr (has_near_candidates<Map, Arch>) {
      for (int i = 0; i < group_size; i += lanes<Arch>) {
        const near_preimage<Arch> found =
            Map::template candidates<Arch>(words<Arch>::load_aligned(group.merged + i),
                                           floats<Arch>::load_aligned(group.delta + i));
        found.lowest.store_aligned(group.lowest + i);
        found.count.store_aligned(group.count + i);
        if (const std::uint64_t mask = to_integer<Arch>(found.is_in_doubt); mask != 0) [[unlikely]]
          find_one_by_one(group, i, mask);
      }
    } else {
      find_all(group);
    }
  }

  /// Looks what kinds of codes there are, once the candidates are known.
  static void classify(coded_group& group, int i) {
    const words<Arch> merged = words<Arch>::load_aligned(group.merged + i), zero(0u);
    const floats<Arch> d = floats<Arch>::load_aligned(group.delta + i);
    const words<Arch> is_raw = choose<Arch>(
        is_nan<T>(merged) | is_not_finite<float>(as_words<Arch>(d)), words<Arch>(~0u), zero);
    const words<Arch> lowest = words<Arch>::load_aligned(group.lowest + i);
    const words<Arch> count = words<Arch>::load_aligned(group.count + i);
    is_raw.store_aligned(group.raw + i);
    store_u16<Arch>(group.mask + i, phase_in<words<Arch>>(count).head_mask);
    const words<Arch> irregular = is_irregular(lowest, count, is_raw);
    group.irregular |= static_cast<std::uint32_t>(to_integer<Arch>(irregular != zero) << i);
  }

  [[gnu::noinline]] static void find_one_by_one(coded_group& group, int first, std::uint64_t mask) {
    for (; mask != 0; mask &= mask - 1) {
      const int i = first + std::countr_zero(mask);
      const preimage found = Map::candidates(group.merged[i], group.delta[i]);
      group.lowest[i] = found.lowest;
      group.count[i] = found.count;
    }
  }

  // On its own, and with nothing left to call, so that compilers make vector code of it.
  [[gnu::noinline]] static void find_all(coded_group& group) {
    std::uint32_t lowest[group_size], count[group_size];
    for (int i = 0; i < group_size; ++i) {
      const preimage found = Map::candidates(group.merged[i], group.delta[i]);
      lowest[i] = found.lowest;
      count[i] = found.count;
    }
    std::memcpy(group.lowest, lowest, sizeof lowest);
    std::memcpy(group.count, count, sizeof count);
  }

  int size_;
  std::uint16_t position_[block_size + 64];
  coded_group groups_[block_size / group_size];
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
