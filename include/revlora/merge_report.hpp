/// \file
/// What a call did to the weights.
#pragma once

#include <cstdint>

#include "detail/namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// What a merge did to the weights, counted as it went.
struct merge_report {
  std::int64_t changed = 0;            ///< have other bits than before
  std::int64_t became_not_finite = 0;  ///< were finite in the base, and are infinite or NaN

  friend bool operator==(const merge_report&, const merge_report&) = default;  ///< both numbers
};

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
