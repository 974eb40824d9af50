#include "checkpoint/pipeline.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/file_name.hpp"
#include "files/json.hpp"

namespace revlora::tool {

namespace {

constexpr const char* index_name = "model_index.json";

/// Components are lists of a library and a class; whatever else stands there has another type.
std::vector<std::string> named_components(const folder& home) {
  const file opened = home.open(index_name, folder::links::followed);
  const std::string source = quoted(opened.path());
  const auto content = parse_object(opened.read_text(), source);
  std::vector<std::string> names;
  for (const auto& [name, value] : content.items()) {
    if (!value.is_array()) continue;
    check_file_name(name, source + ": the folder of a component");
    names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

bool has_set_called(const folder& home, const std::string& name) {
  const std::vector<weight_set> sets = weight_sets_in(home);
  return std::ranges::find(sets, name, &weight_set::name) != sets.end();
}

/// Why a component has no weights that can be read; empty if it has none at all, as tokenizers.
/// Who wants to merge into one component may have downloaded no more than that.
std::string why_left_alone(const folder& inside, const std::vector<weight_set>& sets) {
  if (!sets.empty()) return sets.front().trouble;
  return pickles_in(inside).empty() ? "" : "it has only Python pickles";
}

}  // namespace

pipeline find_pipeline(const folder& home, const std::optional<std::string>& weights) {
  pipeline found;
  if (!home.find(index_name, folder::links::followed)) return found;
  if (weights && has_set_called(home, *weights)) return found;
  bool is_known = false;
  for (const std::string& name : named_components(home)) {
    const auto status = home.find(name);
    if (status && status->is_link()) {
      found.notes.push_back("the component " + quoted(name) +
                            " is left alone: it is a symbolic link, name its folder itself");
    }
    if (!status || !status->is_folder()) continue;
    folder inside = home.open_folder(name);
    const std::vector<weight_set> sets = weight_sets_in(inside);
    const bool has_usable =
        std::ranges::any_of(sets, [](const weight_set& set) { return set.trouble.empty(); });
    if (!has_usable) {
      const std::string reason = why_left_alone(inside, sets);
      if (!reason.empty()) {
        found.notes.push_back("the component " + quoted(name) + " is left alone: " + reason);
      }
      continue;
    }
    is_known = is_known || (weights && has_set_called(inside, *weights));
    weight_set chosen = choose_component_weights(inside, weights);
    found.components.push_back({name, std::move(inside), std::move(chosen)});
  }
  if (weights && !is_known && !found.components.empty()) {
    throw problem(quoted(home.path()) + " has no component with a set of weights that is called " +
                  quoted(*weights));
  }
  return found;
}

}  // namespace revlora::tool
