#include "tensor_names.hpp"

#include <optional>

#include "problem.hpp"

namespace revlora::tool {

namespace {

struct renaming {
  std::string prefix;
  bool added;  ///< to the adapter's name; otherwise taken away

  bool operator==(const renaming&) const = default;
  std::string describe() const {
    return (added ? "with '" : "without '") + prefix + (added ? "' added" : "'");
  }
};

/// What to do with the start of `wanted` to make it `stored`, if that is all it takes.
std::optional<renaming> renaming_between(const std::string& wanted, const std::string& stored) {
  if (stored.ends_with("." + wanted)) {
    return renaming{stored.substr(0, stored.size() - wanted.size()), true};
  }
  if (wanted.ends_with("." + stored)) {
    return renaming{wanted.substr(0, wanted.size() - stored.size()), false};
  }
  return {};
}

}  // namespace

std::map<std::string, std::string> match_names(const checkpoint& model,
                                               const peft_adapter& adapter) {
  const std::string source = "'" + adapter.folder().string() + "': ";
  std::map<std::string, std::string> names;
  std::optional<renaming> common;
  std::size_t renamed = 0;
  for (const module_factors& factors : adapter.modules()) {
    const std::string wanted = factors.module + ".weight";
    if (model.find(wanted) != nullptr) {
      names[factors.module] = wanted;
      continue;
    }
    std::optional<renaming> found;
    for (const auto& [stored, unused] : model.tensors()) {
      const auto candidate = renaming_between(wanted, stored);
      if (!candidate) continue;
      if (found) throw problem(source + "several tensors of the model could be '" + wanted + "'");
      found = candidate;
      names[factors.module] = stored;
    }
    if (!found) throw problem(source + "the model has no tensor '" + wanted + "'");
    if (common && *common != *found) {
      throw problem(source + "'" + wanted + "' is not in the model, and '" + names[factors.module] +
                    "' would be another renaming than for other modules");
    }
    common = found;
    ++renamed;
  }
  if (common) {
    note(source + "module names matched " + common->describe() + " (" + std::to_string(renamed) +
         (renamed == 1 ? " tensor)" : " tensors)"));
  }
  return names;
}

}  // namespace revlora::tool
