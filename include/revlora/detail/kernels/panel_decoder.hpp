// Turns the merged blocks of one panel into what they were.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../record/bits.hpp"
#include "block.hpp"
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

/// The weights that a panel's encoder found the decoder would get wrong, in order.
template <map Map>
class exception_reader {
  using T = typename Map::weight;

 public:
  explicit exception_reader(std::span<const std::byte> from) : from_(from) { advance(); }

  /// Whether there are some before a position.
  bool any_before(std::ptrdiff_t end) const { return position_ < end; }

  /// Puts right those of the block that begins at position `first`. False if one does not merge to
  /// what is there.
  bool apply(std::ptrdiff_t first, const weight_block<T>& block, const block_delta& delta,
             T* restored) {
    bool all_fit = true;
    for (; position_ < first + block_size; advance()) {
      const std::ptrdiff_t at = position_ - first;
      const float d = read_delta_at<T>(delta, static_cast<int>(at));
      const T merged = block.row(static_cast<int>(at / block_cols))[at % block_cols];
      all_fit &= Map::apply(bits_of(weight_), d) == bits_of(merged);
      restored[at] = weight_;
    }
    return all_fit;
  }

 private:
  static constexpr std::ptrdiff_t none = std::numeric_limits<std::ptrdiff_t>::max();

  void advance() {
    if (from_.rest().empty()) {
      position_ = none;
      return;
    }
    const std::uint64_t gap = from_.get_varint();
    weight_ = from_.get<T>();
    position_ = from_.failed() || gap > none / 2 ? none : next_ + static_cast<std::ptrdiff_t>(gap);
    next_ = position_ == none ? none / 2 : position_ + 1;
  }

  byte_reader from_;
  std::ptrdiff_t next_ = 0;
  std::ptrdiff_t position_ = none;
  T weight_{};
};

template <class Arch, map Map>
class panel_decoder {
  using T = typename Map::weight;

 public:
  explicit panel_decoder(const kernel_interface::panel_code& code)
      : bits_({code.bits, code.bits_size}), exceptions_({code.exceptions, code.exceptions_size}) {}

  /// Guesses what the 16×64 weights of a block were, padding included. One block after the other;
  /// when the strip is full, it has to be restored before the next. Until then a block can be read
  /// where it is.
  void guess(std::ptrdiff_t index, const weight_block<T>& block, panel_deltas<Arch, Map>& deltas) {
    if (strip_.blocks() == 0) first_block_ = index;
    blocks_[strip_.blocks()] = block;
    std::uint64_t uncertain[block_rows];
    const block_delta& delta = deltas.by_rows(
        index, block.is_whole(),
        guesses_rows{block.source, block.source_stride, restored_[strip_.blocks()], uncertain});
    take_rows(block, uncertain, delta);
  }
  /// Whether it is: a block that is not whole is always the last of its strip.
  bool is_full() const {
    return strip_.is_full() || (strip_.blocks() > 0 && !blocks_[strip_.blocks() - 1].is_whole());
  }

  /// Restores the blocks of a strip and calls `visit(index, block, restored)` for each: where it
  /// was, and where it can be read as it was before; that is its target if `in_place`, and if all
  /// of it is there. False if the code of the next one is damaged: it leads to weights that do not
  /// merge to these. Nothing of that one is written to its target.
  template <class Visit>
  [[gnu::noinline]] bool restore(panel_deltas<Arch, Map>& deltas, const thread_units<Arch>& units,
                                 bool in_place, const Visit& visit) {
    read_strip(units);
    bool is_fine = true;
    for (int block = 0; block < strip_.blocks(); ++block) {
      weight_block<T> restored = blocks_[block];
      is_fine = restore_block(block, deltas, in_place, restored);
      if (!is_fine) break;
      base_sum_.absorb_block(restored.source, restored.source_stride);
      visit(first_block_ + block, blocks_[block], restored);
    }
    strip_.clear();
    return is_fine;
  }
  /// Of the blocks that are restored.
  const checksum<Arch>& base_sum() const { return base_sum_; }

 private:
  /// Writes guesses, and in which columns they are not certain.
  struct guesses_rows {
    const T* from;
    std::ptrdiff_t stride;
    T* guessed;
    std::uint64_t* uncertain;

    [[gnu::always_inline]] void operator()(int row, const delta_row<Arch>& d) const {
      const typename Map::template inverse<Arch> of_sums;
      const T* const merged = from + row * stride;
      prefetch_right(merged);
      combined_row<Arch, T> weights(d);
      row_mask<Arch> certain;
#pragma GCC unroll 8
      for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
        const int left = pair * 2 * lanes<Arch>;
        const auto guess =
            of_sums.guess(stored_pair<Arch, T>::load(merged + left), weights.delta[pair]);
        guess.weights.store(guessed + row * block_cols + left);
        certain.add(pair, guess.certain);
      }
      uncertain[row] = ~certain.columns();
    }
  };
  [[gnu::noinline]] void take_rows(const weight_block<T>& block,
                                   std::uint64_t (&uncertain)[block_rows],
                                   const block_delta& delta) {
    for (int row = 0; row < block_rows; ++row) uncertain[row] &= block.valid_columns(row);
    strip_.take(uncertain, block.source, block.source_stride, delta);
  }

  /// What is known before the bits are read, and then the bits, block by block.
  [[gnu::noinline]] void read_strip(const thread_units<Arch>& units) {
    for (int i = 0; i < strip_.end(); i += group_size) {
      units.keep_awake();
      make_shapes(i);
    }
    bit_reader bits = bits_;  // a copy that the compiler can keep in registers
    for (int block = 0; block < strip_.blocks(); ++block)
      get_codes(bits, strip_.first_of(block), strip_.end_of(block));
    bits_ = bits;
    for (int i = 0; i < strip_.end(); i += group_size) restore_group(i);
  }

  void make_shapes(int first) {
    const int group = first / group_size;
    std::uint64_t irregular = 0, zero_first = 0;
    for (int i = 0; i < group_size; i += lanes<Arch>) {
      const words<Arch> one(1u), zero(0u);
      const word_mask<Arch> is_coded = to_mask<Arch>(strip_.lanes_of(group) >> i);
      const code_shapes<Arch, Map> shapes(strip_.weights(first + i), strip_.deltas(first + i));
      const words<Arch> mask = choose<Arch>(is_coded, shapes.head_mask, zero);
      shapes.lowest.store_aligned(lowest_ + first + i);
      store_u16<Arch>(codes_.masks + first + i, choose<Arch>(shapes.zero_first, one, mask));
      store_u16<Arch>(short_places_ + first + i,
                      choose<Arch>(shapes.zero_first, words<Arch>(2u), shapes.short_places));
      irregular |= to_integer<Arch>(shapes.irregular & is_coded) << i;
      zero_first |= to_integer<Arch>(shapes.zero_first & is_coded) << i;
    }
    codes_.irregular[group] = static_cast<std::uint16_t>(irregular);
    zeros_[group] = static_cast<std::uint16_t>(zero_first);
  }

  /// All heads of a block, then all tails.
  void get_codes(bit_reader& bits, int first, int end) {
    bool are_regular = true;
    for (int i = first; i < end; i += group_size) {
      const int group = i / group_size;
      if (codes_.irregular[group] != 0) [[unlikely]] {
        get_irregular_heads(bits, i);
        are_regular = false;
        continue;
      }
      std::uint64_t heads[4];
      bits.get_group(codes_.masks + i, heads);
      std::uint32_t tails = 0;
#pragma GCC unroll 4
      for (int n = 0; n < 4; ++n) {
        std::memcpy(codes_.heads + i + 4 * n, &heads[n], sizeof heads[n]);
        tails |= fields_from(heads[n], four_fields(short_places_ + i + 4 * n)) << 4 * n;
      }
      codes_.tails[group] = static_cast<std::uint16_t>(tails);
      if (zeros_[group] != 0) [[unlikely]]
        are_regular &= find_long_tails(group);
    }
    if (!are_regular) [[unlikely]]
      return get_irregular_tails(bits, first, end);
    for (int group = first / group_size; group * group_size < end; ++group) {
      const std::uint32_t tails = codes_.tails[group];
      const auto joined = static_cast<std::uint32_t>(bits.get(std::popcount(tails)));
      codes_.tail_bits[group] = static_cast<std::uint16_t>(split_bits(joined, tails));
    }
  }

  /// Codes of long intervals around zero whose head does not say +0 go on. False if there are some.
  [[gnu::noinline]] bool find_long_tails(int group) {
    std::uint32_t longer = 0;
    for (std::uint32_t rest = zeros_[group]; rest != 0; rest &= rest - 1) {
      const int i = group * group_size + std::countr_zero(rest);
      if (codes_.heads[i] != 0) continue;
      longer |= rest & -rest;
      lowest_[i] = 0;
    }
    codes_.irregular[group] = static_cast<std::uint16_t>(codes_.irregular[group] | longer);
    return longer == 0;
  }

  [[gnu::noinline]] void get_irregular_heads(bit_reader& bits, int first) {
    std::uint32_t tails = 0;
    for (int i = first; i < first + group_size; ++i) {
      if (is_irregular(i)) {
        lowest_[i] = static_cast<std::uint32_t>(bits.get(shape_of(i).head_bits()));
        continue;
      }
      codes_.heads[i] = static_cast<std::uint16_t>(bits.get(std::popcount(codes_.masks[i])));
      tails |= static_cast<std::uint32_t>(codes_.heads[i] >= short_places_[i]) << i % group_size;
    }
    codes_.tails[first / group_size] = static_cast<std::uint16_t>(tails);
    find_long_tails(first / group_size);
  }
  [[gnu::noinline]] void get_irregular_tails(bit_reader& bits, int first, int end) {
    for (int i = first; i < end; ++i) {
      std::uint16_t& tail_bits = codes_.tail_bits[i / group_size];
      if (i % group_size == 0) tail_bits = 0;
      if (is_irregular(i))
        lowest_[i] = decode_weight(shape_of(i), lowest_[i], bits);
      else if ((codes_.tails[i / group_size] >> i % group_size & 1) != 0)
        tail_bits = static_cast<std::uint16_t>(tail_bits | bits.get(1) << i % group_size);
    }
  }
  bool is_irregular(int i) const {
    return (codes_.irregular[i / group_size] >> i % group_size & 1) != 0;
  }
  code_shape<T> shape_of(int i) const {
    return code_shape_of<Map>(strip_.weight(i), strip_.delta(i));
  }

  bool restore_block(int block, panel_deltas<Arch, Map>& deltas, bool in_place,
                     weight_block<T>& restored) {
    const std::ptrdiff_t index = first_block_ + block, position = index * block_size;
    const bool has_exceptions = exceptions_.any_before(position + block_size);
    if (!has_exceptions && !all_fit(block)) return false;
    T* const guessed = restored_[block];
    in_place = in_place && !has_exceptions && restored.is_whole() && restored.target != nullptr;
    T* const to = in_place ? restored.target : guessed;
    const std::ptrdiff_t stride = in_place ? restored.target_stride : block_cols;
    const T* next = weights_ + strip_.first_of(block);
    for (int row = 0; row < block_rows; ++row) {
      const std::uint64_t columns = strip_.columns(block, row);
      put_back<Arch>(columns, next, guessed + row * block_cols, to + row * stride);
      next += std::popcount(columns);
    }
    restored.source = to;
    restored.source_stride = stride;
    return !has_exceptions ||
           (exceptions_.apply(position, blocks_[block], deltas.of(index), guessed) &&
            lead_to_merged(block, guessed));
  }
  bool all_fit(int block) const {
    std::uint32_t wrong = 0;
    for (int i = strip_.first_of(block); i < strip_.end_of(block); i += group_size)
      wrong |= wrong_[i / group_size];
    return wrong == 0;
  }

  /// Finds what the weights of a group were, and which do not merge to what is there.
  ///
  /// Candidates do, whatever the code says. But a raw code may be any weight, and where D is zero
  /// both zeros are candidates although only one may be right.
  void restore_group(int first) {
    const int group = first / group_size;
    std::uint64_t wrong = 0;
    for (int i = 0; i < group_size; i += lanes<Arch>) {
      const auto where = [&](const std::uint16_t* lanes_of) {
        return to_mask<Arch>(static_cast<std::uint32_t>(lanes_of[group]) >> i);
      };
      const words<Arch> one(1u), zero(0u);
      const words<Arch> head = load_u16<Arch>(codes_.heads + first + i);
      const words<Arch> doubled = head + head - load_u16<Arch>(short_places_ + first + i) +
                                  choose<Arch>(where(codes_.tail_bits), one, zero);
      const words<Arch> place = choose<Arch>(where(codes_.tails), doubled, head);
      const words<Arch> lowest = words<Arch>::load_aligned(lowest_ + first + i);
      const words<Arch> found = from_order<T>(lowest + place);
      words<Arch> weight = choose<Arch>(where(zeros_), zero, found);
      word_mask<Arch> is_in_doubt = (weight & words<Arch>(format<T>::magnitude)) == zero;
      if (codes_.irregular[group] != 0) [[unlikely]] {
        const word_mask<Arch> is_irregular = where(codes_.irregular);
        weight = choose<Arch>(is_irregular, lowest, weight);
        is_in_doubt = is_in_doubt | is_irregular;
      }
      store<Arch>(weights_ + first + i, weight);
      if (to_integer<Arch>(is_in_doubt) != 0) [[unlikely]]
        wrong |= to_integer<Arch>(is_in_doubt & not_to_merged(weight, first + i)) << i;
    }
    wrong_[group] = static_cast<std::uint16_t>(wrong);
  }
  /// Lanes that do not merge to what is there.
  word_mask<Arch> not_to_merged(words<Arch> weight, int i) const {
    return (Map::round(Map::sum(widen<T>(weight), strip_.deltas(i))) != strip_.weights(i)) &
           to_mask<Arch>(strip_.lanes_of(i / group_size) >> i % group_size);
  }
  /// Whether all of a block do, given the block as it is to be restored.
  [[gnu::noinline]] bool lead_to_merged(int block, const T* restored) const {
    bool all = true;
    for (int i = strip_.first_of(block); i < strip_.end_of(block); ++i)
      all &= Map::apply(bits_of(restored[strip_.place_of(block, i)]), strip_.delta(i)) ==
             strip_.weight(i);
    return all;
  }

  static constexpr int capacity = flagged_weights<Arch, T>::capacity;

  bit_reader bits_;
  exception_reader<Map> exceptions_;
  std::ptrdiff_t first_block_ = 0;
  weight_block<T> blocks_[strip_blocks<T>];
  flagged_weights<Arch, T> strip_;
  strip_codes<capacity> codes_;
  checksum<Arch> base_sum_;
  std::uint16_t wrong_[capacity / group_size];  ///< lanes that do not merge to what is there
  std::uint16_t zeros_[capacity / group_size];  ///< lanes of long intervals around zero
  /// Of the candidates; where codes are read one by one, the head, and then the weight.
  alignas(64) std::uint32_t lowest_[capacity];
  alignas(64) std::uint16_t short_places_[capacity];
  alignas(64) T weights_[capacity];
  alignas(64) T restored_[strip_blocks<T>][block_size];
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
