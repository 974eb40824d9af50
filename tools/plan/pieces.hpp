// An update cut into pieces, of which each is for one part of one tensor: where one of the two
// keeps as one matrix what the other keeps as several.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "formats/stored_adapter.hpp"
#include "plan/weight_names.hpp"

namespace revlora::tool {

struct update_piece {
  weight_match at;
  std::uint64_t begin = 0;           ///< of the part, in elements of the tensor
  std::vector<std::uint64_t> shape;  ///< of the part, as it is stored
  low_rank_update update;
  std::uint64_t implied_rows = 0;  ///< if it is a part of a fused weight: see fused_rows.hpp
};

/// What a tensor's shape will be when the update is added: a replacement may have let it grow.
using shape_of_match = std::function<std::vector<std::uint64_t>(const weight_match&)>;

/// Throw a problem that begins with `where` if the pieces do not add up.
std::vector<update_piece> cut(const checkpoint& model, const low_rank_update& update,
                              const std::vector<weight_match>& matches,
                              const shape_of_match& shape_of, const std::string& where);
std::vector<update_piece> cut(const checkpoint& model, const expert_stack_update& update,
                              std::vector<weight_match> matches, const shape_of_match& shape_of,
                              const std::string& where);

/// Of one expert.
low_rank_update update_of_expert(const expert_stack_update& update, std::uint64_t expert);

}  // namespace revlora::tool
