// The visitor "restore": turns the merged blocks of one panel into what they were.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include "bits.hpp"
#include "block.hpp"
#include "checksum.hpp"
#include "coded_weights.hpp"
#include "convert.hpp"
#include "element_code.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

/// The weights that a panel's encoder found the decoder would get wrong, in order.
template <element T>
class exception_reader {
 public:
  explicit exception_reader(std::span<const std::byte> from) : from_(from) { advance(); }

  /// Puts right those of the block that begins at position `first`.
  void apply(std::ptrdiff_t first, T* block) {
    for (; position_ < first + block_size; advance()) block[position_ - first] = weight_;
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

template <class Arch, element T, class Code>
class panel_decoder {
 public:
  panel_decoder(std::span<const std::byte> codes, std::span<const std::byte> exceptions)
      : codes_(codes), exceptions_(exceptions) {}

  void visit(std::ptrdiff_t index, weight_block<T> block, const float* delta) {
    alignas(64) T restored[block_size];
    if (!block.is_whole())  // the padding stays zero
      copy_block<T>(block.data, block.row_stride, restored, block_cols);
    coded_weights<T, Code> coded;
    for (int i = 0; i < block.rows; ++i) {
      const float* const d = delta + i * block_cols;
      const std::uint64_t columns = guess_row(block.row(i), d, restored + i * block_cols);
      coded.add_row(i, columns & block.valid_columns(), block.row(i), d);
    }
    get_codes(coded, restored);
    exceptions_.apply(index * block_size, restored);
    base_.absorb_block(restored);
    copy_block<T>(restored, block_cols, block.data, block.row_stride);
  }

  const checksum<Arch>& base() const { return base_; }

 private:
  /// Writes the guesses of a row; returns the columns whose weight carries bits.
  static std::uint64_t guess_row(const T* row, const float* delta, T* guesses) {
    std::uint64_t coded = 0;
    for (int j = 0; j < block_cols; j += lanes<Arch>) {
      const floats<Arch> y = widen<T>(load<Arch>(row + j));
      const floats<Arch> d = floats<Arch>::load_aligned(delta + j);
      const floats<Arch> difference = y - d;
      store<Arch>(guesses + j, narrow_number<T>(difference));
      coded |= to_integer(Code::template carries_bits<Arch>(y, d, difference)) << j;
    }
    return coded;
  }

  /// All heads, then all tails.
  void get_codes(coded_weights<T, Code>& coded, T* restored) {
    coded.find_candidates();
    std::uint64_t heads[block_size];
    for (int n = 0; n < coded.size(); ++n) heads[n] = codes_.get(coded.shape(n).head_bits());
    for (int n = 0; n < coded.size(); ++n)
      restored[coded.position(n)] = from_bits<T>(decode(coded.shape(n), heads[n], codes_));
  }

  bit_reader codes_;
  exception_reader<T> exceptions_;
  checksum<Arch> base_;
};

}  // namespace revlora::inline v0::detail
