// What a decoder makes of merged weights before it looks at their codes; the encoder makes the
// same, to see where it is right.
#pragma once

#include <cstdint>

#include "../namespace.hpp"
#include "simd.hpp"
#include "stored_weights.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// round(y − D) for a pair of vectors, and the columns where it is certain to be the weight.
template <class Arch, element T>
struct guessed_pair {
  stored_pair<Arch, T> weights;
  std::uint64_t certain;
};

template <class Code, class Arch, element T>
class guesser {
 public:
  [[gnu::always_inline]] guessed_pair<Arch, T> guess(const stored_pair<Arch, T>& y,
                                                     const floats<Arch> (&delta)[2]) const {
    const floats<Arch> difference[2] = {y.value(0) - delta[0], y.value(1) - delta[1]};
    const auto weights = stored_pair<Arch, T>::nearest(difference[0], difference[1]);
    return {weights, certainty_.columns(y, delta, difference, weights)};
  }

 private:
  typename Code::template certainty<Arch> certainty_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
