// Merges the blocks of one panel and writes what undoes them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../record/bits.hpp"
#include "block.hpp"
#include "changes.hpp"
#include "checksum.hpp"
#include "code_shapes.hpp"
#include "combine.hpp"
#include "delta.hpp"
#include "element_code.hpp"
#include "flagged_weights.hpp"
#include "maps/map.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Weights that a decoder would get wrong: none, unless a map is careless about which weights carry
/// bits and how. To look for them makes every merge exact.
template <element T>
class exception_writer {
 public:
  explicit exception_writer(std::byte* to) : start_(to), at_(to) {}

  /// One at a position of a strip, in any order within two blocks.
  [[gnu::noinline]] void add(int position, std::uint32_t weight) {
    int i = count_++;
    for (; i > 0 && found_[i - 1].position > position; --i) found_[i] = found_[i - 1];
    found_[i] = {position, from_bits<T>(weight)};
  }
  bool any() const { return count_ > 0; }

  /// Writes those before a position of the strip that begins at one of the panel.
  [[gnu::noinline]] void write(std::ptrdiff_t strip, int end) {
    int done = 0;
    for (; done < count_ && found_[done].position < end; ++done) {
      const std::ptrdiff_t position = strip + found_[done].position;
      at_ = put_varint(at_, static_cast<std::uint64_t>(position - next_));
      std::memcpy(at_, &found_[done].weight, sizeof(T));
      at_ += sizeof(T);
      next_ = position + 1;
    }
    count_ -= done;
    std::copy_n(found_ + done, count_, found_);
  }
  const std::byte* start() const { return start_; }
  std::size_t size() const { return static_cast<std::size_t>(at_ - start_); }

 private:
  struct exception {
    int position;
    T weight;
  };
  std::byte* start_;
  std::byte* at_;
  std::ptrdiff_t next_ = 0;
  int count_ = 0;
  exception found_[2 * block_size];
};

template <class Arch, map Map>
class panel_encoder {
  using T = typename Map::weight;

 public:
  panel_encoder(std::byte* bits, std::byte* exceptions) : bits_(bits), exceptions_(exceptions) {}

  /// Writes what the 16×64 weights of `block` are merged to, padding included, to rows from
  /// `merged` on, which may be those of the block itself. Of one block after the other.
  void encode(std::ptrdiff_t index, const weight_block<T>& block, panel_deltas<Arch, Map>& deltas,
              T* merged, std::ptrdiff_t merged_stride, const thread_units<Arch>& units) {
    if (strip_.blocks() == 0) first_block_ = index;
    merged_rows rows;
    const row_range<T> range{block.source, block.source_stride, merged, merged_stride};
    const block_delta& delta =
        deltas.by_rows(index, block.is_whole(), merges_rows{range, &rows, &counts_});
    take_rows(block, rows, delta, merged, merged_stride);
    if (strip_.is_full() || exceptions_.any()) write_strip(units);
  }
  /// After the last one.
  void finish(const thread_units<Arch>& units) { write_strip(units); }

  /// Of the blocks so far, if finished.
  kernel_interface::panel_code code() const {
    return {bits_.start(), bits_.size(), exceptions_.start(), exceptions_.size()};
  }
  /// Against the base.
  const change_counts& counts() const { return counts_; }
  const checksum<Arch>& base_sum() const { return base_sum_; }
  const checksum<Arch>& merged_sum() const { return merged_sum_; }

 private:
  /// What is known of the rows of a block when they are merged.
  struct merged_rows {
    std::uint64_t uncertain[block_rows];  ///< columns that may carry bits
    std::uint64_t wrong[block_rows];   ///< columns of which it was wrong to think that they do not
    alignas(64) T before[block_size];  ///< which may have lain where the merged ones are now
  };
  /// Merges rows. As little as can be, because it has the registers only that the sums leave.
  struct merges_rows {
    row_range<T> range;
    merged_rows* rows;
    change_counts* counts;

    [[gnu::always_inline]] void operator()(int row, const delta_row<Arch>& d) const {
      const typename Map::template inverse<Arch> inverse;
      const T* const from = range.from + row * range.from_stride;
      T* const to = range.to + row * range.to_stride;
      combined_row<Arch, T> weights(d);
      const bool is_finite = combine_finite_row<Arch, Map>(from, weights, to);
#pragma GCC unroll 8
      for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
        weights.before[pair].store(rows->before + row * block_cols + pair * 2 * lanes<Arch>);
      if (!is_finite) [[unlikely]]
        weights = combine_not_finite_row<Arch, Map>(weights, from, to, *counts);
      row_mask<Arch> certain, right;
#pragma GCC unroll 8
      for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
        const auto guessed = inverse.guess(weights.after[pair], weights.delta[pair]);
        certain.add(pair, guessed.certain);
        right.add(pair, guessed.weights.equal_columns(weights.before[pair]));
      }
      rows->uncertain[row] = ~certain.columns();
      rows->wrong[row] = certain.columns() & ~right.columns();
    }
  };

  /// Takes the weights that may carry bits out of merged rows.
  [[gnu::noinline]] void take_rows(const weight_block<T>& block, merged_rows& rows,
                                   const block_delta& delta, const T* merged,
                                   std::ptrdiff_t merged_stride) {
    // Copies that stay in registers.
    checksum<Arch> base_sum = base_sum_, merged_sum = merged_sum_;
    change_counter<Arch, T> changes = changes_;
    std::uint64_t wrong = 0;
    for (int row = 0; row < block_rows; ++row) {
      combined_row<Arch, T> weights;
#pragma GCC unroll 8
      for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
        const int left = pair * 2 * lanes<Arch>;
        weights.before[pair] = stored_pair<Arch, T>::load(rows.before + row * block_cols + left);
        weights.after[pair] = stored_pair<Arch, T>::load(merged + row * merged_stride + left);
      }
      count_row(weights, changes);
      base_sum.absorb_row(weights.before, row);
      merged_sum.absorb_row(weights.after, row);
      const std::uint64_t valid = block.valid_columns(row);
      rows.uncertain[row] &= valid;
      rows.wrong[row] &= valid;
      wrong |= rows.wrong[row];
    }
    base_sum_ = base_sum;
    merged_sum_ = merged_sum;
    changes_ = changes;
    if (wrong != 0) [[unlikely]]
      add_exceptions(rows);
    strip_.take(rows.uncertain, rows.before, block_cols, delta);
  }

  [[gnu::noinline]] void add_exceptions(const merged_rows& rows) {
    const int position = strip_.blocks() * block_size;
    for (int row = 0; row < block_rows; ++row)
      for (std::uint64_t wrong = rows.wrong[row]; wrong != 0; wrong &= wrong - 1) {
        const int place = row * block_cols + std::countr_zero(wrong);
        exceptions_.add(position + place, bits_of(rows.before[place]));
      }
  }

  [[gnu::noinline]] void write_strip(const thread_units<Arch>& units) {
    for (int i = 0; i < strip_.end(); i += group_size) {
      units.keep_awake();
      make_codes(i);
    }
    for (int block = 0; block < strip_.blocks(); ++block) {
      const int first = strip_.first_of(block), end = strip_.end_of(block);
      bool are_regular = true;
      for (int i = first; i < end; i += group_size)
        are_regular &= codes_.irregular[i / group_size] == 0;
      if (are_regular) [[likely]]
        put_codes(first, end);
      else
        put_irregular_codes(block, first, end);
      if (exceptions_.any()) [[unlikely]]
        exceptions_.write(first_block_ * block_size, (block + 1) * block_size);
    }
    strip_.clear();
    counts_.changed += changes_.changed();
    changes_ = {};
  }

  void make_codes(int first) {
    const int group = first / group_size;
    std::uint64_t tails = 0, bits = 0, irregular = 0;
    for (int i = 0; i < group_size; i += lanes<Arch>) {
      const words<Arch> one(1u), zero(0u);
      const words<Arch> x = strip_.weights(first + i);
      const floats<Arch> d = strip_.deltas(first + i);
      const word_mask<Arch> is_coded = to_mask<Arch>(strip_.lanes_of(group) >> i);
      const code_shapes<Arch, Map> shapes(Map::round(Map::sum(widen<T>(x), d)), d);
      const words<Arch> place = order_of<T>(x) - shapes.lowest;
      const words<Arch> doubled = place + shapes.short_places;
      const word_mask<Arch> has_tail = place >= shapes.short_places;
      const word_mask<Arch> is_irregular =
          shapes.irregular | (place >= shapes.count) | (shapes.zero_first & (x != zero));
      const words<Arch> head = choose<Arch>(has_tail, doubled >> 1, place);
      const words<Arch> mask = choose<Arch>(is_coded, shapes.head_mask, zero);
      store_u16<Arch>(codes_.heads + first + i, choose<Arch>(shapes.zero_first, one, head));
      store_u16<Arch>(codes_.masks + first + i, choose<Arch>(shapes.zero_first, one, mask));
      tails |= to_integer<Arch>(has_tail & is_coded & ~shapes.zero_first) << i;
      bits |= to_integer<Arch>((doubled & one) != zero) << i;
      irregular |= to_integer<Arch>(is_irregular & is_coded) << i;
    }
    codes_.tails[group] = static_cast<std::uint16_t>(tails);
    codes_.tail_bits[group] = static_cast<std::uint16_t>(bits);
    codes_.irregular[group] = static_cast<std::uint16_t>(irregular);
  }

  /// All heads of a block, then all tails.
  void put_codes(int first, int end) {
    bit_writer bits = bits_;  // a copy that the compiler can keep in registers
    for (int i = first; i < end; i += group_size)
      bits.put_group(codes_.heads + i, codes_.masks + i);
    for (int group = first / group_size; group * group_size < end; ++group)
      bits.put(join_bits(codes_.tail_bits[group], codes_.tails[group]),
               std::popcount(codes_.tails[group]));
    bits_ = bits;
  }

  /// The same, where some are to be coded one by one. A weight that is not among its candidates is
  /// an exception.
  [[gnu::noinline]] void put_irregular_codes(int block, int first, int end) {
    element_code irregular[block_size];
    int count = 0;
    for (int i = first; i < end; i += group_size) {
      if (codes_.irregular[i / group_size] == 0)
        bits_.put_group(codes_.heads + i, codes_.masks + i);
      else
        for (int n = i; n < i + group_size; ++n)
          if (is_irregular(n))
            put_head(block, n, irregular[count++]);
          else
            bits_.put(codes_.heads[n] & codes_.masks[n], std::popcount(codes_.masks[n]));
    }
    const element_code* next = irregular;
    for (int i = first; i < end; ++i)
      if (is_irregular(i)) {
        bits_.put(next->tail, next->tail_bits);
        ++next;
      } else if (lane(codes_.tails, i)) {
        bits_.put(lane(codes_.tail_bits, i), 1);
      }
  }
  void put_head(int block, int i, element_code& code) {
    const std::uint32_t x = strip_.weight(i);
    const float d = strip_.delta(i);
    const code_shape<T> shape = code_shape_of<Map>(Map::apply(x, d), d);
    if (!encode_weight(shape, x, code))
      exceptions_.add(block * block_size + strip_.place_of(block, i), x);
    bits_.put(code.head, shape.head_bits());
  }

  bool is_irregular(int i) const {
    return lane(codes_.irregular, i);
  }
  static bool lane(const std::uint16_t* masks, int i) {
    return (masks[i / group_size] >> i % group_size & 1) != 0;
  }

  bit_writer bits_;
  exception_writer<T> exceptions_;
  change_counts counts_{};
  change_counter<Arch, T> changes_;
  checksum<Arch> base_sum_, merged_sum_;
  std::ptrdiff_t first_block_ = 0;
  flagged_weights<Arch, T> strip_;
  strip_codes<flagged_weights<Arch, T>::capacity> codes_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
