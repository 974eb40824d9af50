// What a decoder makes of merged weights before it looks at their codes; the encoder makes the
// same, to see where it is right.
#pragma once

#include <cstdint>

#include "../namespace.hpp"
#include "simd.hpp"
#include "stored_weights.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

/// round(y − D) for a pair of vectors, and the columns where it is certain to be the weight.
template <class Arch, element T>
struct guessed_pair {
  stored_pair<Arch, T> weights;
  std::uint64_t certain;
};

template <class Code, class Arch, element T>
[[gnu::always_inline]] inline guessed_pair<Arch, T> guess(const stored_pair<Arch, T>& y,
                                                          const floats<Arch> (&delta)[2]) {
  const floats<Arch> difference[2] = {y.value(0) - delta[0], y.value(1) - delta[1]};
  return {stored_pair<Arch, T>::nearest(difference[0], difference[1]),
          Code::template certain_columns<Arch>(y, delta, difference)};
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
