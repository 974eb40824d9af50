// What of a model the updates of one adapter are for.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.hpp"
#include "plan/tied_weights.hpp"
#include "plan/weight_names.hpp"

namespace revlora::tool {

struct matched_update {
  const adapter_update* update;
  std::string name;                   ///< of the tensor, as the adapter says it
  std::vector<weight_match> matches;  ///< empty: a tensor that the model has not, and gets
};

/// A model's names, looked up once for all adapters.
struct model_names {
  explicit model_names(const checkpoint& whole);

  const checkpoint& model;
  weight_names weights;
  tied_weights tied;
  std::set<std::string> endings;  ///< module and parameter of each tensor
};

/// The last two of a name's parts.
std::string ending_of(std::string_view name);

/// Throws a problem that begins with `source` and names those that have no place in the model,
/// unless the user allows to leave them; tells in notes what is left, and how names differ.
std::vector<matched_update> match_updates(const model_names& names, const stored_adapter& adapter,
                                          bool allow_unused, const std::string& source,
                                          std::vector<std::string>& notes);

}  // namespace revlora::tool
