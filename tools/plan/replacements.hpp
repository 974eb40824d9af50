// Tensors that an adapter has as a whole, or some rows of, or the difference to.
#pragma once

#include <string>
#include <vector>

#include "plan/matched_updates.hpp"
#include "plan/planned_tensors.hpp"

namespace revlora::tool {

/// An update of one adapter that takes no factors.
struct plain_change {
  const model_names& names;
  const stored_adapter& adapter;
  std::size_t number;  ///< of the adapter
  const matched_update& matched;
  const std::string& where;                     ///< what problems begin with
  const std::set<std::string>& merged_tensors;  ///< see plan_options
};

/// Returns the tensor; null if the model has the same numbers already. Throws a problem if they
/// cannot take their place.
const planned_tensor* plan_replacement(const plain_change& change, planned_tensors& planned,
                                       std::vector<std::string>& notes);

/// `strength` is in front of the difference. Throws a problem if that does not fit.
void plan_difference(const plain_change& change, float strength, planned_tensors& planned);

}  // namespace revlora::tool
