// How far merged weights are from those that PEFT merged, and how far they may be.
#pragma once

#include <cstdint>
#include <filesystem>

#include "plan/plan.hpp"

namespace revlora::tool {

struct agreement {
  std::uint64_t weights = 0;
  std::uint64_t equal = 0;  ///< bit for bit
  double largest_difference = 0;
  double largest_share =
      0;  ///< of the difference that its weight is allowed; at most 1 if all is well
  bool others_equal = true;  ///< tensors that no adapter touches

  bool within_bound() const { return largest_share <= 1 && others_equal; }
};

/// Compares a merged model with PEFT's result. Both round once, but sum in another order, so they
/// may differ by one unit in the last place of the larger of base and merged weight, and by the
/// fp32 rounding of the sums: 2⁻²¹ · s · ‖row of B‖ · ‖column of A‖.
agreement compare_with_peft(const checkpoint& base, const checkpoint& merged,
                            const std::filesystem::path& merged_by_peft, const merge_plan& plan,
                            const std::vector<stored_adapter>& adapters);

}  // namespace revlora::tool
