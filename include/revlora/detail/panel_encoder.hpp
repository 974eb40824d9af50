// The visitor "add and record": merges the blocks of one panel and writes what undoes them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "bits.hpp"
#include "block.hpp"
#include "checksum.hpp"
#include "coded_weights.hpp"
#include "combine.hpp"
#include "convert.hpp"
#include "element_code.hpp"
#include "memory.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

/// Memory for the code of one panel, enough for the worst case: most of it is never touched.
struct panel_scratch {
  aligned_array<std::byte> codes;
  aligned_array<std::byte> exceptions;

  template <element T>
  static panel_scratch for_width(std::ptrdiff_t cols) {
    const auto weights = static_cast<std::size_t>(blocks_of(cols) * block_size);
    // A weight between zeros takes two bits more than its width; an exception a gap and a weight.
    return {allocate<std::byte>(weights * (layout<T>::width + 2) / 8 + 16),
            allocate<std::byte>(weights * (5 + sizeof(T)) + 16)};
  }
};

/// `Code` tells which weights carry bits and how; it is a parameter only so that tests can put in a
/// careless one and see that the comparison below still makes every merge exact.
template <class Arch, element T, class Code>
class panel_encoder {
 public:
  explicit panel_encoder(const panel_scratch& scratch)
      : codes_(scratch.codes.get()),
        exceptions_start_(scratch.exceptions.get()),
        exceptions_(exceptions_start_) {}

  void visit(std::ptrdiff_t index, weight_block<T> block, const float* delta) {
    alignas(64) T before[block_size], after[block_size];
    if (!block.is_whole()) {  // the padding stays zero
      copy_block<T>(block.data, block.row_stride, before, block_cols);
      copy_block<T>(block.data, block.row_stride, after, block_cols);
    }
    coded_weights<T, Code> coded;
    std::uint64_t wrong[block_rows];
    for (int i = 0; i < block.rows; ++i) {
      T *const x = before + i * block_cols, *const y = after + i * block_cols;
      const float* const d = delta + i * block_cols;
      std::memcpy(x, block.row(i), block_cols * sizeof(T));
      became_ += combine_row<Arch>(
          x, d, [](auto w, auto add) { return w + add; }, y);
      const marks marked = mark_row(x, d, y);
      const std::uint64_t columns = marked.coded & block.valid_columns();
      coded.add_row(i, columns, y, d);
      wrong[i] = marked.wrong & block.valid_columns() & ~columns;
    }
    put_codes(coded, before, wrong);
    // Only now: read again at once, what was just written in smaller pieces would have to be waited
    // for.
    base_.absorb_block(before);
    merged_.absorb_block(after);
    copy_block<T>(after, block_cols, block.data, block.row_stride);
    for (int i = 0; i < block.rows; ++i)
      for (; wrong[i] != 0; wrong[i] &= wrong[i] - 1) {
        const int at = i * block_cols + std::countr_zero(wrong[i]);
        put_exception(index * block_size + at, before[at]);
      }
  }

  std::span<const std::byte> codes() const { return {codes_.start(), codes_.size()}; }
  std::span<const std::byte> exceptions() const {
    return {exceptions_start_, static_cast<std::size_t>(exceptions_ - exceptions_start_)};
  }
  const checksum<Arch>& base() const { return base_; }
  const checksum<Arch>& merged() const { return merged_; }
  /// How many weights became infinite or NaN.
  std::int64_t became_not_finite() const { return became_; }

 private:
  struct marks {
    std::uint64_t coded = 0;  ///< columns whose weight carries bits
    std::uint64_t wrong = 0;  ///< columns whose weight the decoder would not guess
  };

  static marks mark_row(const T* before, const float* delta, const T* after) {
    marks marked;
    for (int j = 0; j < block_cols; j += lanes<Arch>) {
      const floats<Arch> y = widen<T>(load<Arch>(after + j));
      const floats<Arch> d = floats<Arch>::load_aligned(delta + j);
      const floats<Arch> difference = y - d;
      const words<Arch> guess = narrow_number<T>(difference);
      marked.coded |= to_integer(Code::template carries_bits<Arch>(y, d, difference)) << j;
      marked.wrong |= to_integer<Arch>(guess != load<Arch>(before + j)) << j;
    }
    return marked;
  }

  /// All heads, then all tails; marks the weights that are not among their candidates as wrong.
  void put_codes(coded_weights<T, Code>& coded, const T* before, std::uint64_t* wrong) {
    coded.find_candidates();
    struct {
      std::uint64_t bits;
      int count;
    } tails[block_size];
    int tail_count = 0;
    for (int n = 0; n < coded.size(); ++n) {
      const int at = coded.position(n);
      const code_shape<T> shape = coded.shape(n);
      element_code code;
      if (!encode(shape, bits_of(before[at]), code))
        wrong[at / block_cols] |= std::uint64_t{1} << (at % block_cols);
      codes_.put(code.head, shape.head_bits());
      tails[tail_count] = {code.tail, code.tail_bits};
      tail_count += code.tail_bits > 0;
    }
    for (int n = 0; n < tail_count; ++n) codes_.put(tails[n].bits, tails[n].count);
  }

  void put_exception(std::ptrdiff_t position, T weight) {
    exceptions_ = put_varint(exceptions_, static_cast<std::uint64_t>(position - next_position_));
    std::memcpy(exceptions_, &weight, sizeof weight);
    exceptions_ += sizeof weight;
    next_position_ = position + 1;
  }

  bit_writer codes_;
  std::byte* exceptions_start_;
  std::byte* exceptions_;
  std::ptrdiff_t next_position_ = 0;
  checksum<Arch> base_, merged_;
  std::int64_t became_ = 0;
};

}  // namespace revlora::inline v0::detail
