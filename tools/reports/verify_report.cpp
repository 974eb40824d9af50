#include "reports/verify_report.hpp"

#include "console/text.hpp"
#include "reports/grouped_names.hpp"

namespace revlora::tool {

using nlohmann::ordered_json;

const char* describe(model_condition condition) {
  switch (condition) {
    case model_condition::base:
      return "at the base";
    case model_condition::merged:
      return "merged";
    case model_condition::partly_merged:
      return "partly merged";
    case model_condition::changed:
      break;
  }
  return "neither at the base nor merged: changed since, or another model";
}

const char* key_of(model_condition condition) {
  switch (condition) {
    case model_condition::base:
      return "base";
    case model_condition::merged:
      return "merged";
    case model_condition::partly_merged:
      return "partly_merged";
    case model_condition::changed:
      break;
  }
  return "changed";
}

std::string describe(const adapter_request& merged) {
  return printable(merged.path) + ", strength " + describe_shortest(merged.strength);
}

ordered_json json_of(const std::vector<adapter_request>& merged) {
  ordered_json adapters = ordered_json::array();
  for (const adapter_request& each : merged) {
    adapters.push_back({{"path", each.path.native()}, {"strength", each.strength}});
  }
  return adapters;
}

std::string verify_report::text() const {
  std::string said = printable(found_.model) + " is " + describe(found_.condition) +
                     "\nundo file: " + printable(found_.undo) + '\n';
  for (const adapter_request& each : found_.adapters) {
    said += "adapter: " + describe(each) + '\n';
  }
  for (const model_condition condition : {model_condition::changed, model_condition::partly_merged,
                                          model_condition::base, model_condition::merged}) {
    std::vector<labelled_name> names;
    for (const auto& each : found_.tensors) {
      if (each.condition == condition) names.push_back({each.name, ""});
    }
    if (names.empty()) continue;
    said += counted(names.size(), "tensor") + ' ' + describe(condition) + '\n';
    // Of one that is all merged, or all at the base, there is no more to know.
    if (names.size() < found_.tensors.size()) said += lines_of(grouped(names), "  ");
  }
  return said;
}

ordered_json verify_report::json() const {
  ordered_json tensors = ordered_json::array();
  for (const auto& each : found_.tensors) {
    tensors.push_back(
        {{"file", each.file}, {"name", each.name}, {"condition", key_of(each.condition)}});
  }
  return {{"command", "verify"},
          {"condition", key_of(found_.condition)},
          {"model", found_.model.native()},
          {"undo", found_.undo.native()},
          {"since", found_.since},
          {"adapters", json_of(found_.adapters)},
          {"tensors", std::move(tensors)}};
}

}  // namespace revlora::tool
