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
#include "guess.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// `Code` tells which weights carry bits and how; it is a parameter only so that tests can put in a
/// careless one and see that the comparison below still makes every merge exact.
template <class Arch, element T, class Code>
class panel_encoder {
 public:
  panel_encoder(std::byte* bits, std::byte* exceptions)
      : bits_(bits), exceptions_start_(exceptions), exceptions_(exceptions) {}

  /// Writes what the 16×64 weights of `block` are merged to, padding included, and advances the
  /// checksums of both.
  [[gnu::noinline]] void encode(std::ptrdiff_t index, const weight_block<T>& block,
                                const block_delta& delta, T* merged, checksum<Arch>& base_sum,
                                checksum<Arch>& merged_sum) {
    checksum<Arch> sums[2] = {base_sum, merged_sum};  // copies that stay in registers
    columns_of_block uncertain, wrong;
    const guesser<Code, Arch, T> guesses;
    became_ += combine_rows<Arch, T>(
        block_rows, {block.source, block.source_stride, merged, block_cols}, delta,
        plus_delta, [&](int row, const combined_row<Arch, T>& its) __attribute__((always_inline)) {
          row_mask<Arch> certain, right;
#pragma GCC unroll 8
          for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
            const auto guessed = guesses.guess(its.after[pair], its.delta[pair]);
            certain.add(pair, guessed.certain);
            right.add(pair, guessed.weights.equal_columns(its.before[pair]));
          }
          uncertain.of_row[row] = ~certain.columns();
          wrong.of_row[row] = certain.columns() & ~right.columns();
          sums[0].absorb_row(its.before, row);
          sums[1].absorb_row(its.after, row);
        });
    base_sum = sums[0];
    merged_sum = sums[1];
    coded_weights<Arch, T, Code> coded(uncertain, block);
    if (coded.size() > 0) {
      weight_block<T> result = block;
      result.read_from(merged);
      coded.find(result, delta);
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
  /// How many weights became infinite or NaN.
  std::int64_t became_not_finite() const {
    return became_;
  }

 private:
  /// All heads, then all tails. Adds to `wrong` the weights that are not among their candidates.
  void put_codes(const coded_weights<Arch, T, Code>& coded, const weight_block<T>& block,
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
      const coded_group& its = coded.of(n);
      const auto codes = coded.codes(block, n);
      const int size = std::min(group_size, coded.size() - n * group_size);
      const std::uint32_t valid = (1u << size) - 1, odd = (its.odd | codes.lost) & valid;
      for (int i = 0; i < size; i += 4) {
        if ((odd >> i & 15) == 0) {
          bits.put_fields(coded_group::four(codes.heads + i), its.masks(i));
          for (std::uint32_t rest = codes.tail & valid & 15u << i; rest != 0; rest &= rest - 1)
            put_tail(codes.doubled[std::countr_zero(rest)] & 1, 1);
          continue;
        }
        for (int j = i; j < std::min(i + 4, size); ++j) {
          const code_shape<T> shape = its.template shape<T>(j);
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
  std::int64_t became_ = 0;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
