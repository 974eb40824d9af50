// The fields of a JSON object with the types that PEFT gives them. All problems begin with
// `source`.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "formats/pattern.hpp"

namespace revlora::tool {

/// Null if there is no such field, or null in it.
const nlohmann::ordered_json* find_field(const nlohmann::ordered_json& fields, const char* name);

double number_in(const nlohmann::ordered_json& fields, const char* name, double otherwise,
                 const std::string& source);
/// False if there is none.
bool flag_in(const nlohmann::ordered_json& fields, const char* name, const std::string& source);
module_pattern pattern_in(const nlohmann::ordered_json& fields, const char* name,
                          const std::string& source);
std::vector<std::string> names_in(const nlohmann::ordered_json& fields, const char* name,
                                  const std::string& source);
/// Rows by the end of a module's name; a list without modules is of the empty end.
std::map<std::string, std::vector<std::uint64_t>> rows_in(const nlohmann::ordered_json& fields,
                                                          const char* name,
                                                          const std::string& source);

/// Those fields that say something to a person.
std::vector<std::pair<std::string, std::string>> facts_in(const nlohmann::ordered_json& fields);

}  // namespace revlora::tool
