// Merges the blocks of one panel and writes what undoes them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../record/bits.hpp"
#include "block.hpp"
#include "checksum.hpp"
#include "coded_weights.hpp"
#include "combine.hpp"
#include "element_code.hpp"
#include "maps/map.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// The comparison below makes every merge exact, also by a map that is careless about which weights
/// carry bits and how.
template <class Arch, map Map>
class panel_encoder {
  using T = typename Map::weight;

 public:
  panel_encoder(std::byte* bits, std::byte* exceptions)
      : bits_(bits), exceptions_start_(exceptions), exceptions_(exceptions) {}

  /// Writes what the 16×64 weights of `block` are merged to, padding included, and advances the
  /// checksums of both.
  [[gnu::noinline]] void encode(std::ptrdiff_t index, const weight_block<T>& block,
                                const block_delta& delta, T* merged, checksum<Arch>& base_sum,
                                checksum<Arch>& merged_sum, const thread_units<Arch>& units) {
    checksum<Arch> sums[2] = {base_sum, merged_sum};  // copies that stay in registers
    columns_of_block uncertain, wrong;
    const typename Map::template inverse<Arch> inverse;
    counts_ += combine_rows<Arch, Map>(
        block_rows, {block.source, block.source_stride, merged, block_cols},
        delta, [&](int row, const combined_row<Arch, T>& weights) __attribute__((always_inline)) {
          row_mask<Arch> certain, right;
#pragma GCC unroll 8
          for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
            const auto guessed = inverse.guess(weights.after[pair], weights.delta[pair]);
            certain.add(pair, guessed.certain);
            right.add(pair, guessed.weights.equal_columns(weights.before[pair]));
          }
          uncertain.of_row[row] = ~certain.columns();
          wrong.of_row[row] = certain.columns() & ~right.columns();
          sums[0].absorb_row(weights.before, row);
          sums[1].absorb_row(weights.after, row);
        });
    base_sum = sums[0];
    merged_sum = sums[1];
    coded_weights<Arch, Map> coded(uncertain, block);
    if (coded.size() > 0) {
      weight_block<T> result = block;
      result.read_from(merged);
      coded.find(result, delta, units);
      put_codes(coded, block, wrong);
    }
    if (wrong.any()) [[unlikely]]
      put_exceptions(index, block, wrong);
  }

  /// Of the blocks so far.
  kernel_interface::panel_code code() const {
    return {bits_.start(), bits_.size(), exceptions_start_,
            static_cast<std::size_t>(exceptions_ - exceptions_start_)};
  }
  /// Against the base.
  const change_counts& counts() const {
    return counts_;
  }

 private:
  /// All heads, then all tails. Adds to `wrong` the weights that are not among their candidates.
  void put_codes(const coded_weights<Arch, Map>& coded, const weight_block<T>& block,
                 columns_of_block& wrong) {
    struct {
      std::uint64_t bits;
      int count;
    } tails[block_size];
    int tail_count = 0;
    bit_writer bits = bits_;  // a copy that the compiler can keep in registers
    const auto put_tail = [&](std::uint64_t tail, int count) {
      tails[tail_count] = {tail, count};
      tail_count += count > 0;
    };
    for (int n = 0; n < coded.groups(); ++n) {
      const coded_group& group = coded.of(n);
      const auto codes = coded.codes(block, n);
      const int size = std::min(group_size, coded.size() - n * group_size);
      const std::uint32_t valid = (1u << size) - 1,
                          irregular = (group.irregular | codes.lost) & valid;
      for (int i = 0; i < size; i += 4) {
        if ((irregular >> i & 15) == 0) {
          bits.put_fields(coded_group::four(codes.heads + i), group.masks(i));
          for (std::uint32_t rest = codes.tail & valid & 15u << i; rest != 0; rest &= rest - 1)
            put_tail(codes.doubled[std::countr_zero(rest)] & 1, 1);
          continue;
        }
        for (int j = i; j < std::min(i + 4, size); ++j) {
          const code_shape<T> shape = group.template shape<T>(j);
          element_code code;
          if (!encode_weight(shape, codes.weights[j], code))
            wrong.add(coded.position(n * group_size + j));
          bits.put(code.head, shape.head_bits());
          put_tail(code.tail, code.tail_bits);
        }
      }
    }
    for (int n = 0; n < tail_count; ++n) bits.put(tails[n].bits, tails[n].count);
    bits_ = bits;
  }

  /// Weights that the decoder would get wrong.
  [[gnu::noinline]] void put_exceptions(std::ptrdiff_t index, const weight_block<T>& block,
                                        const columns_of_block& wrong) {
    for (int row = 0; row < block_rows; ++row)
      for (std::uint64_t rest = wrong.of_row[row] & block.valid_columns(row); rest != 0;
           rest &= rest - 1) {
        const int column = std::countr_zero(rest);
        const std::ptrdiff_t position = index * block_size + row * block_cols + column;
        exceptions_ =
            put_varint(exceptions_, static_cast<std::uint64_t>(position - next_position_));
        std::memcpy(exceptions_, &block.row(row)[column], sizeof(T));
        exceptions_ += sizeof(T);
        next_position_ = position + 1;
      }
  }

  bit_writer bits_;
  std::byte* exceptions_start_;
  std::byte* exceptions_;
  std::ptrdiff_t next_position_ = 0;
  change_counts counts_{};
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
