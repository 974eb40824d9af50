// Names that a model has with a prefix which the adapter's lack, or the other way round.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace revlora::tool {

struct prefix_renaming {
  std::map<std::string, const std::string*> tensors;  ///< of the model, by the adapter's names
  std::string rule;                                   ///< "with 'model.' added"; empty if no name
};

/// For those of the wanted names that the model has with a prefix more or less, which has to be the
/// same for all: what it has. Throws a problem that begins with `where` if there is no telling.
prefix_renaming find_prefix(const checkpoint& model, const std::vector<const std::string*>& wanted,
                            const std::string& where);

}  // namespace revlora::tool
