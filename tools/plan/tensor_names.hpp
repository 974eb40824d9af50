// From an adapter's module names to a model's tensor names.
#pragma once

#include <map>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// For each module of the adapter the name of its weight in the model: `<module>.weight`, or, where
/// that does not exist, the name that differs from it only by a prefix which one of the two lacks
/// (`model.`, say). The prefix has to be the same for all of the adapter's modules, and is told in
/// a note on stderr. Throws a problem if a module has no weight or could have several.
std::map<std::string, std::string> match_names(const checkpoint& model, const stored_adapter& from);

}  // namespace revlora::tool
