// The visitor "add and record": merges the blocks of one panel and writes what undoes them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "bits.hpp"
#include "block.hpp"
#include "checksum.hpp"
#include "coded_weights.hpp"
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
    if (!block.is_whole())  // the padding stays zero
      std::memcpy(before, block.data, sizeof before), std::memcpy(after, block.data, sizeof after);
    coded_weights<T, Code> coded;
    std::uint64_t wrong[block_rows];
    for (int i = 0; i < block.rows; ++i) {
      T *const x = before + i * block_cols, *const y = after + i * block_cols;
      const float* const d = delta + i * block_cols;
      std::memcpy(x, block.row(i), block_cols * sizeof(T));
      const marks marked = merge_row(x, d, y, block.row(i));
      const std::uint64_t columns = marked.coded & block.valid_columns();
      coded.add_row(i, columns, y, d);
      wrong[i] = marked.wrong & block.valid_columns() & ~columns;
    }
    base_.absorb_block(before);
    merged_.absorb_block(after);
    put_codes(coded, before, wrong);
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

  /// Merges a row, into W and into a copy: rows of W are often a multiple of 4 KiB apart and drive
  /// each other out of the cache, so each is touched once.
  static marks merge_row(const T* before, const float* delta, T* after, T* row) {
    marks marked;
    for (int j = 0; j < block_cols; j += lanes<Arch>) {
      const words<Arch> x = load<Arch>(before + j);
      const floats<Arch> d = floats<Arch>::load_aligned(delta + j);
      const words<Arch> merged = narrow<T>(widen<T>(x) + d);
      store<Arch>(after + j, merged);
      store<Arch>(row + j, merged);
      const floats<Arch> y = widen<T>(merged);
      const floats<Arch> difference = y - d;
      marked.coded |= to_integer(Code::template carries_bits<Arch>(y, d, difference)) << j;
      marked.wrong |= to_integer<Arch>(narrow_number<T>(difference) != x) << j;
    }
    return marked;
  }

  /// All heads, then all tails; marks the weights that are not among their candidates as wrong.
  void put_codes(coded_weights<T, Code>& coded, const T* before, std::uint64_t* wrong) {
    coded.find_candidates();
    std::uint64_t tails[block_size];
    int tail_bits[block_size];
    int tail_count = 0;
    for (int n = 0; n < coded.size(); ++n) {
      const int at = coded.position(n);
      const std::uint32_t x = bits_of(before[at]);
      const code_shape<T> shape = coded.shape(n);
      element_code code;
      if (!encode(shape, x, code)) wrong[at / block_cols] |= std::uint64_t{1} << (at % block_cols);
      codes_.put(code.head, shape.head_bits());
      tails[tail_count] = code.tail;
      tail_bits[tail_count] = code.tail_bits;
      tail_count += code.tail_bits > 0;
      became_ += is_not_finite<T>(coded.merged(n)) && !is_not_finite<T>(x);
    }
    for (int n = 0; n < tail_count; ++n) codes_.put(tails[n], tail_bits[n]);
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
