/// \file
/// A number that tells one adapter from another.
#pragma once

#include <cstdint>

#include "adapter.hpp"
#include "detail/door/target.hpp"
#include "detail/door/verb_calls.hpp"
#include "detail/namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// The fingerprint of an adapter as undo records keep it: of its family, element type, shapes,
/// strength and every bit of its factors in row-major order, however they are laid out in memory.
/// Not a cryptographic hash. O(r·(d_out + d_in)). The adapter is not checked.
///
/// The strength's bits are xored into the low half, so that two fingerprints of the same factors
/// tell each other's strength.
template <class Target = default_target>
std::uint64_t fingerprint(const adapter& of) {
  return detail::fingerprint_of(of.to_plain(),
                                detail::kernels_of<Target, void, plain::verb::look>().absorb);
}

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
