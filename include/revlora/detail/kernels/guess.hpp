// What a decoder makes of merged weights before it looks at their codes; the encoder makes the
// same, to see where it is right.
#pragma once

#include "../namespace.hpp"
#include "delta.hpp"
#include "stored_weights.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

/// round(y − D) for a pair of vectors, and the lanes where it is certain to be the weight.
template <class Arch, element T>
struct guessed_pair {
  stored_pair<Arch, T> weights;
  word_mask<Arch> certain[2];
};

/// For the pair `pair` of the merged row `row` of a block.
template <class Code, class Arch, element T>
[[gnu::always_inline]] inline guessed_pair<Arch, T> guess(const T* merged,
                                                          const delta_reader<Arch>& delta, int row,
                                                          int pair) {
  const auto y = stored_pair<Arch, T>::load(merged + pair * 2 * lanes<Arch>);
  const auto certain = [&](int i, floats<Arch>& difference) {
    const auto d = delta.at(row * block_cols + delta_offset<Arch, T>(pair, i));
    difference = y.value(i) - d;
    return Code::template is_certain<Arch>(y.value(i), d, difference);
  };
  floats<Arch> first, second;
  const word_mask<Arch> certain_first = certain(0, first), certain_second = certain(1, second);
  return {stored_pair<Arch, T>::nearest(first, second), {certain_first, certain_second}};
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
