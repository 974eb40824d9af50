#include "plan/matched_updates.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "plan/mergeable.hpp"
#include "plan/prefix_renaming.hpp"
#include "plan/stack_parameters.hpp"
#include "plan/unmatched.hpp"

namespace revlora::tool {

namespace {

/// Whether it can be put into a model which has nothing of that name, and nothing that could be
/// meant by it: a classifier that was trained from nothing.
bool is_new_tensor(const model_names& names, const adapter_update& update) {
  const auto* replacement = std::get_if<replacement_update>(&update.content);
  if (replacement == nullptr || replacement->rows || replacement->is_likely_the_base) return false;
  const bool is_pipeline =
      !names.model.tensors().empty() && !names.model.tensors().begin()->second.component.empty();
  if (update.spelling != module_spelling::dotted || is_pipeline) return false;
  // A bias is not new to a module that the model has without one: it would have no use for it.
  const auto has = [&](const std::string& parameter) {
    return names.endings.contains(ending_of(full_name(update.module, parameter)));
  };
  return !has(update.parameter) && !(update.parameter == "bias" && has("weight"));
}

/// The name as the adapter has it, if that is not the tensor's.
std::string spelled(const matched_update& each) {
  const adapter_update& update = *each.update;
  if (!update.spelled.empty()) return update.spelled;
  return update.component.empty() ? "" : each.name + " of " + update.component;
}

class matcher {
 public:
  matcher(const model_names& names, const stored_adapter& adapter, const std::string& source)
      : names_(names),
        source_(source),
        parameters_(find_parameters(adapter, names.weights, source)) {
    for (const adapter_update& update : adapter.updates) match(update);
    match_by_prefix();
  }

  std::vector<matched_update> matched;
  std::vector<matched_update> unmatched;
  struct renamed_tensors {
    std::string example;
    std::set<const std::string*> tensors;
  };
  std::map<std::string, renamed_tensors> renamed;  ///< by the rule

 private:
  void match(const adapter_update& update) {
    const auto chosen = parameters_.find(&update);
    const std::string& parameter = chosen == parameters_.end() ? update.parameter : chosen->second;
    matched_update found{&update, full_name(update.module, parameter), {}};
    found.matches =
        names_.weights.find(update.component, update.module, parameter, update.spelling, source_);
    if (found.matches.empty()) add_stand_in(found);
    for (const weight_match& each : found.matches) count(found, each);
    (found.matches.empty() ? unmatched : matched).push_back(std::move(found));
  }

  void add_stand_in(matched_update& found) const {
    const std::string* tensor = names_.tied.stand_in(found.name);
    if (tensor == nullptr) return;
    found.matches.push_back({tensor,
                             names_.model.find(*tensor),
                             {},
                             false,
                             {},
                             {},
                             "with " + quoted(*tensor) + " for " + quoted(found.name) +
                                 ", which is the same matrix in this model"});
  }

  void match_by_prefix() {
    std::vector<const std::string*> wanted;
    for (const matched_update& each : unmatched) {
      if (each.update->spelling == module_spelling::dotted) wanted.push_back(&each.name);
    }
    const prefix_renaming renaming = find_prefix(names_.model, wanted, source_);
    for (matched_update& each : unmatched) {
      const auto found = renaming.tensors.find(each.name);
      if (found == renaming.tensors.end()) continue;
      each.matches.push_back(
          {found->second, names_.model.find(*found->second), {}, false, {}, {}, renaming.rule});
      count(each, each.matches.back());
      matched.push_back(each);
    }
    std::erase_if(unmatched, [](const matched_update& each) { return !each.matches.empty(); });
  }

  void count(const matched_update& found, const weight_match& match) {
    if (match.rule.empty()) return;
    renamed_tensors& as = renamed[match.rule];
    if (as.tensors.empty()) {
      const std::string& given = found.update->spelled;
      as.example = quoted(given.empty() ? found.name : given) + " on " + quoted(*match.tensor);
    }
    as.tensors.insert(match.tensor);
  }

  const model_names& names_;
  const std::string& source_;
  std::map<const adapter_update*, std::string> parameters_;
};

}  // namespace

model_names::model_names(const checkpoint& whole) : model(whole), weights(whole), tied(whole) {
  for (const auto& [name, at] : model.tensors()) endings.insert(ending_of(name));
}

std::string ending_of(std::string_view name) {
  const std::size_t last = name.rfind('.');
  if (last == std::string_view::npos || last == 0) return std::string(name);
  const std::size_t before = name.rfind('.', last - 1);
  return std::string(before == std::string_view::npos ? name : name.substr(before + 1));
}

std::vector<matched_update> match_updates(const model_names& names, const stored_adapter& adapter,
                                          bool allow_unused, const std::string& source,
                                          std::vector<std::string>& notes) {
  matcher all(names, adapter, source);
  std::vector<matched_update> matched = std::move(all.matched);
  std::vector<unmatched_name> lost;
  for (matched_update& each : all.unmatched) {
    if (is_new_tensor(names, *each.update)) {
      matched.push_back(std::move(each));
    } else {
      lost.push_back({each.name, spelled(each)});
    }
  }
  if (!lost.empty()) {
    if (!allow_unused || matched.empty()) refuse_unmatched(names.model, lost, source);
    notes.push_back(source + "left out, as the model has nothing of the name: " + listed(lost));
  }
  for (const auto& [rule, as] : all.renamed) {
    notes.push_back(source + "module names matched " + rule + " (" +
                    counted(as.tensors.size(), "tensor") + ": " + as.example +
                    (as.tensors.size() > 1 ? " …)" : ")"));
  }
  return matched;
}

}  // namespace revlora::tool
