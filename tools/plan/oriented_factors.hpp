// How an update lies in the weight that the model stores.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "formats/stored_adapter.hpp"
#include "plan/factor_source.hpp"

namespace revlora::tool {

enum class factor_fit {
  none,
  as_they_are,
  transposed,
  either  ///< the weight is square
};

/// Of a weight of this shape. A 1×1 convolution and a linear layer are the same, and so is a kernel
/// with all of its extents in one.
factor_fit fit_of(const low_rank_update& update, std::span<const std::uint64_t> weight);

/// Why nothing fits, if a reason can be given: "; the weight is that of a grouped convolution …".
std::string reason_of_misfit(const low_rank_update& update, std::span<const std::uint64_t> weight);

factor_source oriented(const low_rank_update& update, bool is_transposed, std::size_t adapter,
                       float strength);

/// "rank 8, A [8, 4096] and B [4096, 8] in BF16"
std::string describe_factors(const low_rank_update& update);

}  // namespace revlora::tool
