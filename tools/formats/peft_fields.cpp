#include "formats/peft_fields.hpp"

#include <algorithm>
#include <array>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "formats/peft_kinds.hpp"

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

std::string start(const std::string& source, const char* name) {
  return source + ": \"" + name + "\"";
}

std::vector<std::uint64_t> rows_of(const json& value, const std::string& field) {
  std::vector<std::uint64_t> rows;
  if (!value.is_array()) throw problem(field + " is not a list of rows");
  for (const json& each : value) {
    if (!each.is_number_unsigned()) throw problem(field + ": " + as_ascii(each) + " is not a row");
    rows.push_back(each.get<std::uint64_t>());
  }
  return rows;
}

/// Without quotes; of lists no more than the first few.
std::string shown(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return as_ascii(value);
  constexpr std::size_t most = 8;
  std::string list;
  for (std::size_t i = 0; i < std::min(most, value.size()); ++i) {
    list += (list.empty() ? "" : ", ") + shown(value[i]);
  }
  if (value.size() > most) list += " and " + std::to_string(value.size() - most) + " more";
  return list;
}

}  // namespace

const json* find_field(const json& fields, const char* name) {
  const auto value = fields.find(name);
  return value == fields.end() || value->is_null() ? nullptr : &*value;
}

double number_in(const json& fields, const char* name, double otherwise,
                 const std::string& source) {
  const json* const value = find_field(fields, name);
  if (value == nullptr) return otherwise;
  if (!value->is_number()) throw problem(start(source, name) + " is not a number");
  return value->get<double>();
}

bool flag_in(const json& fields, const char* name, const std::string& source) {
  const json* const value = find_field(fields, name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) throw problem(start(source, name) + " is not true or false");
  return value->get<bool>();
}

module_pattern pattern_in(const json& fields, const char* name, const std::string& source) {
  const json* const value = find_field(fields, name);
  return {value == nullptr ? json::object() : *value, start(source, name)};
}

std::vector<std::string> names_in(const json& fields, const char* name, const std::string& source) {
  std::vector<std::string> names;
  const json* const value = find_field(fields, name);
  if (value == nullptr) return names;
  if (!value->is_array()) throw problem(start(source, name) + " is not a list");
  for (const json& each : *value) {
    if (!each.is_string()) throw problem(start(source, name) + " has something else than names");
    names.push_back(each.get<std::string>());
  }
  return names;
}

std::map<std::string, std::vector<std::uint64_t>> rows_in(const json& fields, const char* name,
                                                          const std::string& source) {
  const json* const value = find_field(fields, name);
  if (value == nullptr) return {};
  if (!value->is_object()) return {{"", rows_of(*value, start(source, name))}};
  std::map<std::string, std::vector<std::uint64_t>> by_module;
  for (const auto& [module, rows] : value->items()) {
    by_module[module] = rows_of(rows, start(source, name));
  }
  return by_module;
}

std::vector<std::pair<std::string, std::string>> facts_in(const json& fields) {
  constexpr std::array names = {"peft_type",
                                "base_model_name_or_path",
                                "revision",
                                "task_type",
                                "r",
                                "lora_alpha",
                                "alpha",
                                "use_rslora",
                                "rank_pattern",
                                "alpha_pattern",
                                "target_modules",
                                "target_parameters",
                                "modules_to_save",
                                "trainable_token_indices",
                                "token_indices",
                                "bias",
                                "lora_bias",
                                "init_lora_weights",
                                "peft_version"};
  std::vector<std::pair<std::string, std::string>> found;
  for (const char* name : names) {
    const json* const value = find_field(fields, name);
    if (value == nullptr || *value == false || *value == "" || value->empty()) continue;
    found.emplace_back(name, value->is_object() ? counted(value->size(), "key") : shown(*value));
  }
  return found;
}

}  // namespace revlora::tool
