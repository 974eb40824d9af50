// Merges the blocks of one panel and writes what undoes them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "../bits.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "block.hpp"
#include "coded_weights.hpp"
#include "combine.hpp"
#include "element_code.hpp"
#include "guess.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

/// `Code` tells which weights carry bits and how; it is a parameter only so that tests can put in a
/// careless one and see that the comparison below still makes every merge exact.
template <class Arch, element T, class Code>
class panel_encoder {
 public:
  panel_encoder(std::byte* bits, std::byte* exceptions)
      : bits_(bits), exceptions_start_(exceptions), exceptions_(exceptions) {}

  /// Writes what the 16×64 weights of `block` are merged to, padding included.
  [[gnu::noinline]] void encode(std::ptrdiff_t index, const weight_block<T>& block,
                                const block_delta& delta, T* merged) {
    became_ += combine_rows<Arch, T>(
        block_rows, {block.source, block.source_stride, merged, block_cols}, delta, plus_delta);
    const delta_reader<Arch> reader(delta);
    std::uint64_t columns[block_rows];
    for (int i = 0; i < block_rows; ++i)
      columns[i] = ~certain_columns(block.row(i), reader, i, merged + i * block_cols);
    coded_weights<Arch, T, Code> coded;
    for (int i = 0; i < block_rows; ++i) coded.add_row(i, columns[i] & block.valid_columns(i));
    if (coded.size() == 0) return;
    weight_block<T> result = block;
    result.read_from(merged);
    coded.find(result, delta);
    put_codes(coded, index, block);
  }

  /// Of the blocks so far.
  kernel_interface::panel_code code() const {
    return {bits_.start(), bits_.size(), exceptions_start_,
            static_cast<std::size_t>(exceptions_ - exceptions_start_)};
  }
  /// How many weights became infinite or NaN.
  std::int64_t became_not_finite() const { return became_; }

 private:
  /// The columns of a row whose weight the decoder will guess, and rightly.
  [[gnu::always_inline]] static std::uint64_t certain_columns(const T* base,
                                                              const delta_reader<Arch>& delta,
                                                              int row, const T* merged) {
    row_mask<Arch, T> mask;
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
      const auto x = stored_pair<Arch, T>::load(base + pair * 2 * lanes<Arch>);
      const auto guessed = guess<Code, Arch>(merged, delta, row, pair);
      mask.add(pair, guessed.certain[0] & guessed.weights.equals(x, 0),
               guessed.certain[1] & guessed.weights.equals(x, 1));
    }
    return mask.columns();
  }

  /// All heads, then all tails; the weights that are not among their candidates become exceptions.
  void put_codes(const coded_weights<Arch, T, Code>& coded, std::ptrdiff_t index,
                 const weight_block<T>& block) {
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
          const bool is_guessed = its.count[j] == 0;
          const code_shape<T> shape = its.template shape<T>(j);
          element_code code;
          if (is_guessed || !encode_weight(shape, codes.weights[j], code))
            put_exception(index * block_size + coded.position(n * group_size + j),
                          from_bits<T>(codes.weights[j]));
          if (is_guessed) continue;
          bits.put(code.head, shape.head_bits());
          put_tail(code.tail, code.tail_bits);
        }
      }
    }
    for (int n = 0; n < tail_count; ++n) bits.put(tails[n].bits, tails[n].count);
    bits_ = bits;
  }

  void put_exception(std::ptrdiff_t position, T weight) {
    exceptions_ = put_varint(exceptions_, static_cast<std::uint64_t>(position - next_position_));
    std::memcpy(exceptions_, &weight, sizeof weight);
    exceptions_ += sizeof weight;
    next_position_ = position + 1;
  }

  bit_writer bits_;
  std::byte* exceptions_start_;
  std::byte* exceptions_;
  std::ptrdiff_t next_position_ = 0;
  std::int64_t became_ = 0;
};

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
