// Turns the merged blocks of one panel into what they were.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../record/bits.hpp"
#include "block.hpp"
#include "coded_weights.hpp"
#include "combine.hpp"
#include "element_code.hpp"
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
  using inverse = typename Map::template inverse<Arch>;

 public:
  explicit panel_decoder(const kernel_interface::panel_code& code)
      : bits_({code.bits, code.bits_size}), exceptions_({code.exceptions, code.exceptions_size}) {}

  /// Writes what the 16×64 weights of `block` were, padding included. False if the code is damaged:
  /// it leads to weights that do not merge to these. On its own, because inlined into a pass it is
  /// 4 % slower (GCC 12).
  [[gnu::noinline]] bool decode(std::ptrdiff_t index, const weight_block<T>& block,
                                const block_delta& delta, T* restored,
                                const thread_units<Arch>& units) {
    const inverse of_sums;
    columns_of_block uncertain;
    for (int i = 0; i < block_rows; ++i)
      uncertain.of_row[i] = ~guess_row(of_sums, block.row(i), delta, i, restored + i * block_cols);
    coded_weights<Arch, Map> coded(uncertain, block);
    bool is_certain = true;
    if (coded.size() > 0) {
      coded.find(block, delta, units);
      is_certain = get_codes(coded, restored);
    }
    return exceptions_.apply(index * block_size, block, delta, restored) &&
           (is_certain || coded.lead_to_merged(restored));
  }

 private:
  /// Writes the guesses of a row; returns the columns where they are certain.
  [[gnu::always_inline]] static std::uint64_t guess_row(const inverse& of_sums, const T* merged,
                                                        const block_delta& delta, int row,
                                                        T* restored) {
    row_mask<Arch> certain;
    prefetch_right(merged);
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
      const int left = pair * 2 * lanes<Arch>;
      const auto d = [&](int i) {
        return floats<Arch>::load_aligned(delta.values + row * block_cols +
                                          delta_offset<Arch, T>(pair, i));
      };
      const auto guessed = of_sums.guess(stored_pair<Arch, T>::load(merged + left), {d(0), d(1)});
      guessed.weights.store(restored + left);
      certain.add(pair, guessed.certain);
    }
    return certain.columns();
  }

  /// All lanes of the quads in which some are.
  static std::uint32_t quads_with(std::uint32_t lanes_mask) {
    const std::uint32_t any = (lanes_mask | lanes_mask >> 1 | lanes_mask >> 2 | lanes_mask >> 3);
    return (any & 0x1111u) * 15;
  }

  /// All heads, then all tails. Returns whether the weights are certain to merge to what is there.
  /// Candidates are, whatever the code says. A raw code may be any weight, and where D is zero both
  /// zeros are candidates although only one may be right.
  bool get_codes(const coded_weights<Arch, Map>& coded, T* restored) {
    alignas(64) std::uint16_t heads[block_size + group_size];
    std::uint32_t irregular_heads[block_size];
    int irregular_count = 0;
    bit_reader bits = bits_;  // a copy that the compiler can keep in registers
    for (int start = 0; start < coded.size(); start += 4) {
      const coded_group& group = coded.of(start / group_size);
      const int first = start % group_size;
      const std::uint32_t irregular = group.irregular >> first & 15;
      const std::uint64_t four = irregular == 0 ? bits.get_fields(group.masks(first)) : 0;
      std::memcpy(heads + start, &four, sizeof four);
      if (irregular == 0) continue;
      for (int n = start; n < std::min(start + 4, coded.size()); ++n)
        irregular_heads[irregular_count++] = static_cast<std::uint32_t>(
            bits.get(group.template shape<T>(n % group_size).head_bits()));
    }
    bool is_certain = true;
    irregular_count = 0;
    // A loop of its own: read at once, what was written four by four would have to be waited for.
    for (int n = 0; n < coded.groups(); ++n) {
      const coded_group& group = coded.of(n);
      const int start = n * group_size;
      const std::uint32_t tails = coded.restore(n, heads + start, restored);
      const std::uint32_t irregular_quads = quads_with(group.irregular);
      for (std::uint32_t rest = tails | irregular_quads; rest != 0; rest &= rest - 1) {
        const int i = std::countr_zero(rest);
        if (start + i >= coded.size()) break;
        const bool is_irregular_code = (irregular_quads >> i & 1) != 0;
        const code_shape<T> shape = group.template shape<T>(i);
        const std::uint64_t head =
            is_irregular_code ? irregular_heads[irregular_count++] : heads[start + i];
        const std::uint32_t weight = decode_weight(shape, head, bits);
        is_certain = is_certain && !shape.raw && (weight & format<T>::magnitude) != 0;
        restored[coded.position(start + i)] = from_bits<T>(weight);
      }
    }
    bits_ = bits;
    return is_certain;
  }

  bit_reader bits_;
  exception_reader<Map> exceptions_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
