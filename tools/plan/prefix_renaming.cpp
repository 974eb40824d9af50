#include "plan/prefix_renaming.hpp"

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
                      const std::vector<const std::string*>& stored, const std::string& where) {
  name_pairs pairs;
  const auto pair = [&](const std::string& name, const std::string& found) {
    const auto [other, is_new] = pairs.try_emplace(name, &found);
    if (is_new) return;
    throw problem(where + "several tensors of the model could be " + quoted(name) + ": " +
                  quoted(*other->second) + " and " + quoted(found));
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

prefix_renaming find_prefix(const checkpoint& model, const std::vector<const std::string*>& wanted,
                            const std::string& where) {
  prefix_renaming found;
  if (wanted.empty()) return found;
  std::vector<const std::string*> stored;
  for (const auto& [name, tensor] : model.tensors()) stored.push_back(&name);
  found.tensors = match_ends(wanted, stored, where);
  std::optional<renaming> common;
  for (const auto& [name, tensor] : found.tensors) {
    const renaming its = renaming_between(name, *tensor);
    if (common && *common != its) {
      throw problem(where + quoted(name) + " is not in the model, and " + quoted(*tensor) +
                    " would be another renaming than for other modules");
    }
    common = its;
  }
  if (common) found.rule = common->describe();
  return found;
}

}  // namespace revlora::tool
