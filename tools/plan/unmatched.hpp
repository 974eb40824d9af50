// What is said of an adapter's names that mean nothing in a model.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace revlora::tool {

struct unmatched_name {
  std::string name;     ///< of a tensor
  std::string spelled;  ///< as the adapter has it, if that is something else
};

/// "'a.weight', 'b.weight' and 12 more": the first ten.
std::string listed(const std::vector<std::string>& names);
std::string listed(const std::vector<unmatched_name>& names);

/// Throws a problem that begins with `source`: lists the first ten, says what the model has that
/// is like them, and why it may have nothing.
[[noreturn]] void refuse_unmatched(const checkpoint& model,
                                   const std::vector<unmatched_name>& names,
                                   const std::string& source);

}  // namespace revlora::tool
