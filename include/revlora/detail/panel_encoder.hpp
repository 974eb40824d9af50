// Merges the blocks of one panel and writes what undoes them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "bits.hpp"
#include "block.hpp"
#include "coded_weights.hpp"
#include "combine.hpp"
#include "convert.hpp"
#include "element_code.hpp"
#include "panel_code.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

/// `Code` tells which weights carry bits and how; it is a parameter only so that tests can put in a
/// careless one and see that the comparison below still makes every merge exact.
template <class Arch, element T, class Code>
class panel_encoder {
 public:
  explicit panel_encoder(const panel_scratch& scratch)
      : bits_(scratch.bits.get()),
        exceptions_start_(scratch.exceptions.get()),
        exceptions_(exceptions_start_) {}

  /// Writes what 16×64 weights of `block` are merged to, padding included.
  void encode(std::ptrdiff_t index, const weight_block<T>& block, const T* base, const float* delta,
              T* merged) {
    coded_weights<T, Code> coded;
    std::uint64_t wrong[block_rows];
    for (int i = 0; i < block_rows; ++i) {
      const T* const x = base + i * block_cols;
      const float* const d = delta + i * block_cols;
      T* const y = merged + i * block_cols;
      became_ += combine_row<Arch>(x, d, plus_delta, y);
      const marks marked = mark_row(x, d, y);
      const std::uint64_t columns = marked.coded & block.valid_columns(i);
      coded.add_row(i, columns, y, d);
      wrong[i] = marked.wrong & block.valid_columns(i) & ~columns;
    }
    put_codes(coded, base, wrong);
    for (int i = 0; i < block_rows; ++i)
      for (; wrong[i] != 0; wrong[i] &= wrong[i] - 1) {
        const int at = i * block_cols + std::countr_zero(wrong[i]);
        put_exception(index * block_size + at, base[at]);
      }
  }

  /// Of the blocks so far.
  panel_code code() const {
    return {{bits_.start(), bits_.size()},
            {exceptions_start_, static_cast<std::size_t>(exceptions_ - exceptions_start_)}};
  }
  /// How many weights became infinite or NaN.
  std::int64_t became_not_finite() const { return became_; }

 private:
  struct marks {
    std::uint64_t coded = 0;  ///< columns whose weight carries bits
    std::uint64_t wrong = 0;  ///< columns whose weight the decoder would not guess
  };

  static marks mark_row(const T* base, const float* delta, const T* merged) {
    marks marked;
    for (int j = 0; j < block_cols; j += lanes<Arch>) {
      const floats<Arch> y = widen<T>(load<Arch>(merged + j));
      const floats<Arch> d = floats<Arch>::load_aligned(delta + j);
      const floats<Arch> difference = y - d;
      const words<Arch> guess = narrow_number<T>(difference);
      marked.coded |= to_integer(Code::template carries_bits<Arch>(y, d, difference)) << j;
      marked.wrong |= to_integer<Arch>(guess != load<Arch>(base + j)) << j;
    }
    return marked;
  }

  /// All heads, then all tails; marks the weights that are not among their candidates as wrong.
  void put_codes(coded_weights<T, Code>& coded, const T* base, std::uint64_t* wrong) {
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
      if (!encode_weight(shape, bits_of(base[at]), code))
        wrong[at / block_cols] |= std::uint64_t{1} << (at % block_cols);
      bits_.put(code.head, shape.head_bits());
      tails[tail_count] = {code.tail, code.tail_bits};
      tail_count += code.tail_bits > 0;
    }
    for (int n = 0; n < tail_count; ++n) bits_.put(tails[n].bits, tails[n].count);
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

}  // namespace revlora::inline v0::detail
