// How one weight is coded, given its candidates: as its place among them.
#pragma once

#include <bit>
#include <cstdint>

#include "../format.hpp"
#include "../namespace.hpp"
#include "maps/preimage.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// What the code of a weight that carries bits looks like, from (y, D) alone.
///
/// A code has a head, whose length follows from the shape, and a tail, whose length follows from
/// the head and itself. In a block all heads precede all tails, so that a decoder can read them at
/// once.
template <element T>
struct code_shape {
  preimage candidates;
  int certain_bits;  ///< bits that every place has; some have one more
  bool raw;          ///< nothing is known: the code is the weight
  bool zero_first;   ///< a long interval around zero: zeros have codes of their own

  /// In 8 bits they would save little, and cost up to 17 % elsewhere: there are so few numbers that
  /// intervals around zero are common and short.
  static constexpr bool has_zero_codes = format<T>::width > 8;

  code_shape(bool is_raw, preimage preimage)
      : candidates(preimage),
        certain_bits(static_cast<int>(std::bit_width(preimage.count)) - 1),
        raw(is_raw),
        zero_first(has_zero_codes && preimage.count > 4 && preimage.lowest >> 31 != 0 &&
                   preimage.lowest + preimage.count - 1 < preimage.lowest) {}

  int head_bits() const { return raw ? format<T>::width : zero_first ? 1 : certain_bits; }

  /// Places from here on have one bit more (phase-in codes).
  std::uint64_t short_places() const {
    return (std::uint64_t{2} << certain_bits) - candidates.count;
  }
};

/// The code of one weight, least significant bits first.
struct element_code {
  std::uint64_t head;
  std::uint64_t tail;
  int tail_bits;
};

/// Codes `x`. False if it is not among the candidates: then the code leads to another weight.
template <element T>
bool encode_weight(const code_shape<T>& shape, std::uint32_t x, element_code& code) {
  code = {x, 0, 0};
  if (shape.raw) return true;
  if (shape.zero_first && (x & format<T>::magnitude) == 0) {
    code = x == 0 ? element_code{1, 0, 0} : element_code{0, 1, 1};
    return true;
  }
  std::uint64_t place = order_of<T>(x) - shape.candidates.lowest;
  const bool found = place < shape.candidates.count;
  if (!found) place = 0;
  const bool is_long = place >= shape.short_places();
  if (is_long) place += shape.short_places();
  const std::uint64_t certain = place >> is_long;
  const std::uint64_t last = place & is_long;
  if (shape.zero_first)
    code = {0, (certain | last << shape.certain_bits) << 1, 1 + shape.certain_bits + is_long};
  else
    code = {certain, last, is_long};
  return found;
}

/// The weight of a code whose head has been read; `tail` is a bit_reader at its tail.
template <element T, class Reader>
std::uint32_t decode_weight(const code_shape<T>& shape, std::uint64_t head, Reader& tail) {
  if (shape.raw) return static_cast<std::uint32_t>(head);
  std::uint64_t place = head;
  if (shape.zero_first) {
    if (head == 1) return 0;
    if (tail.get(1) == 1) return format<T>::sign;
    place = tail.get(shape.certain_bits);
  }
  if (place >= shape.short_places()) place = (place << 1 | tail.get(1)) - shape.short_places();
  return from_order<T>(shape.candidates.lowest + static_cast<std::uint32_t>(place));
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
