// What one adapter does to the tensors of a model.
#pragma once

#include <string>
#include <vector>

#include "plan/matched_updates.hpp"
#include "plan/orientation.hpp"
#include "plan/planned_tensors.hpp"

namespace revlora::tool {

/// Adds the adapter of that number to what is planned, and what the user should know to the notes.
/// Throws a problem if anything of it has no place, or no certain one.
void plan_adapter(const model_names& names, const orientation_evidence& of_model,
                  const stored_adapter& adapter, std::size_t number, const plan_options& options,
                  planned_tensors& planned, std::vector<std::string>& notes);

}  // namespace revlora::tool
