// Turns the merged blocks of one panel into what they were.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "bits.hpp"
#include "block.hpp"
#include "coded_weights.hpp"
#include "convert.hpp"
#include "element_code.hpp"
#include "panel_code.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

/// The weights that a panel's encoder found the decoder would get wrong, in order.
template <element T>
class exception_reader {
 public:
  explicit exception_reader(std::span<const std::byte> from) : from_(from) { advance(); }

  /// Puts right those of the block that begins at position `first`. False if one does not merge to
  /// what is there.
  bool apply(std::ptrdiff_t first, const weight_block<T>& block, const float* delta, T* restored) {
    bool all_fit = true;
    for (; position_ < first + block_size; advance()) {
      const std::ptrdiff_t at = position_ - first;
      const T merged = block.row(static_cast<int>(at / block_cols))[at % block_cols];
      all_fit &= narrow<T>(widen<T>(bits_of(weight_)) + delta[at]) == bits_of(merged);
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

template <class Arch, element T, class Code>
class panel_decoder {
 public:
  explicit panel_decoder(const panel_code& code) : bits_(code.bits), exceptions_(code.exceptions) {}

  /// Writes what 16×64 weights of `block` were, padding included. False if the code is damaged: it
  /// leads to weights that do not merge to these. On its own, because inlined into a pass it is 4 %
  /// slower (GCC 12).
  [[gnu::noinline]] bool decode(std::ptrdiff_t index, const weight_block<T>& block,
                                const float* delta, T* restored) {
    coded_weights<T, Code> coded;
    for (int i = 0; i < block_rows; ++i) {
      const float* const d = delta + i * block_cols;
      const std::uint64_t columns = guess_row(block.row(i), d, restored + i * block_cols);
      coded.add_row(i, columns & block.valid_columns(i), block.row(i), d);
    }
    const bool is_certain = get_codes(coded, restored);
    return exceptions_.apply(index * block_size, block, delta, restored) &&
           (is_certain || coded.lead_to_merged(restored));
  }

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

  /// All heads, then all tails. Returns whether the weights are certain to merge to what is there.
  /// Candidates are, whatever the code says. A raw code may be any weight, and where D is zero both
  /// zeros are candidates although only one may be right.
  bool get_codes(coded_weights<T, Code>& coded, T* restored) {
    coded.find_candidates();
    std::uint64_t heads[block_size];
    for (int n = 0; n < coded.size(); ++n) heads[n] = bits_.get(coded.shape(n).head_bits());
    bool is_certain = true;
    for (int n = 0; n < coded.size(); ++n) {
      const code_shape<T> shape = coded.shape(n);
      const std::uint32_t weight = decode_weight(shape, heads[n], bits_);
      is_certain = is_certain && !shape.raw && (weight & layout<T>::magnitude) != 0;
      restored[coded.position(n)] = from_bits<T>(weight);
    }
    return is_certain;
  }

  bit_reader bits_;
  exception_reader<T> exceptions_;
};

}  // namespace revlora::inline v0::detail
