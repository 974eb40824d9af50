#include "plan/tensor_names.hpp"

#include <optional>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "plan/names_by_end.hpp"

namespace revlora::tool {

namespace {

struct renaming {
  std::string prefix;
  bool added;  ///< to the adapter's name; otherwise taken away

  bool operator==(const renaming&) const = default;
  std::string describe() const {
    return (added ? "with " : "without ") + quoted(prefix) + (added ? " added" : "");
  }
};

/// What to do with the start of `wanted` to make it `stored`, of which one ends with the other.
renaming renaming_between(const std::string& wanted, const std::string& stored) {
  const bool added = stored.size() > wanted.size();
  const std::string& longer = added ? stored : wanted;
  const std::string& shorter = added ? wanted : stored;
  return {longer.substr(0, longer.size() - shorter.size()), added};
}

using name_pairs = std::map<std::string, const std::string*>;

/// For each of the wanted names the only stored one that differs by a prefix. Every pair that is
/// found counts once, and the second for a name ends the search: no list can make it slow.
name_pairs match_ends(const std::vector<const std::string*>& wanted,
                      const std::vector<const std::string*>& stored, const std::string& source) {
  name_pairs pairs;
  const auto pair = [&](const std::string& name, const std::string& found) {
    if (pairs.try_emplace(name, &found).second) return;
    throw problem(source + "several tensors of the model could be " + quoted(name));
  };
  const names_by_end stored_by_end(stored);
  for (const std::string* name : wanted) {
    for (const auto& longer : stored_by_end.ending_with(*name)) pair(*name, *longer.name);
  }
  const names_by_end wanted_by_end(wanted);
  for (const std::string* name : stored) {
    for (const auto& longer : wanted_by_end.ending_with(*name)) pair(*longer.name, *name);
  }
  return pairs;
}

}  // namespace

std::map<std::string, std::string> match_names(const checkpoint& model,
                                               const stored_adapter& from) {
  const std::string source = quoted(from.path) + ": ";
  std::map<std::string, std::string> weights;  // of modules
  std::vector<const std::string*> wanted, stored;
  for (const adapter_update& update : from.updates) {
    const std::string& weight = weights[update.module] = update.module + ".weight";
    if (model.find(weight) == nullptr) wanted.push_back(&weight);
  }
  if (wanted.empty()) return weights;

  for (const auto& [name, tensor] : model.tensors()) stored.push_back(&name);
  const name_pairs pairs = match_ends(wanted, stored, source);
  std::optional<renaming> common;
  for (auto& [module, weight] : weights) {
    if (model.find(weight) != nullptr) continue;
    const auto pair = pairs.find(weight);
    if (pair == pairs.end()) {
      throw problem(source + "the model has no tensor " + quoted(weight));
    }
    const renaming found = renaming_between(weight, *pair->second);
    if (common && *common != found) {
      throw problem(source + quoted(weight) + " is not in the model, and " + quoted(*pair->second) +
                    " would be another renaming than for other modules");
    }
    common = found;
    weight = *pair->second;
  }
  note(source + "module names matched " + common->describe() + " (" +
       counted(wanted.size(), "tensor") + ")");
  return weights;
}

}  // namespace revlora::tool
