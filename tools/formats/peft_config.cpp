#include "formats/peft_config.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/json.hpp"
#include "formats/peft_fields.hpp"
#include "formats/peft_kinds.hpp"

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

std::string type_of(const json& fields, const std::string& source) {
  const auto type = fields.find("peft_type");
  if (type == fields.end() || !type->is_string()) {
    throw problem(source + ": no \"peft_type\": not the configuration of a PEFT adapter");
  }
  return type->get<std::string>();
}

bool trains_biases(const json& fields, const std::string& source) {
  const json* const value = find_field(fields, "bias");
  if (value == nullptr || *value == "none") return false;
  if (*value == "all" || *value == "lora_only") return true;
  throw problem(source + ": \"bias\" is " + as_ascii(*value) +
                ": it can be \"none\", \"all\" or \"lora_only\"");
}

bool is_before_0_19(const json& fields) {
  const json* const version = find_field(fields, "peft_version");
  if (version == nullptr || !version->is_string()) return false;
  const std::string text = version->get<std::string>();
  if (!text.starts_with("0.")) return false;
  const char* const minor = text.data() + 2;
  int number = 0;
  const auto [end, error] = std::from_chars(minor, text.data() + text.size(), number);
  return error == std::errc() && *end == '.' && number < 19;
}

/// "model.layers.0.mlp.experts" ends with "mlp.experts", but not with "perts".
bool ends_with_parts(std::string_view module, std::string_view end) {
  if (!module.ends_with(end)) return false;
  return module.size() == end.size() || module[module.size() - end.size() - 1] == '.';
}

/// Of "mlp.experts.down_proj" the parts before and behind the last dot.
std::pair<std::string_view, std::string_view> split_target(std::string_view target) {
  const std::size_t dot = target.rfind('.');
  if (dot == std::string_view::npos) return {"", target};
  return {target.substr(0, dot), target.substr(dot + 1)};
}

}  // namespace

peft_config::peft_config(const std::string& text, const std::string& source)
    : peft_config(parse_object(text, source), source) {
}

peft_config::peft_config(const json& fields, const std::string& source) : source_(source) {
  const std::string type = type_of(fields, source);
  refused_ = reason_to_refuse(fields);
  has_known_tensors_ = tool::has_known_tensors(type);
  facts_ = facts_in(fields);
  description_ = "PEFT " + name_of_kind(fields);
  if (type == "TRAINABLE_TOKENS") token_indices_ = rows_in(fields, "token_indices", source);
  if (type != "LORA") return;  // which has fields of the same names with another meaning
  rank_ = number_in(fields, "r", 8, source);
  alpha_ = number_in(fields, "lora_alpha", 8, source);
  rank_stabilised_ = flag_in(fields, "use_rslora", source);
  if (rank_stabilised_) description_ += ", rank-stabilised";
  fan_in_fan_out_ = flag_in(fields, "fan_in_fan_out", source);
  trains_biases_ = tool::trains_biases(fields, source);
  ranks_ = pattern_in(fields, "rank_pattern", source);
  alphas_ = pattern_in(fields, "alpha_pattern", source);
  target_parameters_ = names_in(fields, "target_parameters", source);
  if (is_before_0_19(fields)) stacks_fan_in_fan_out_ = true;
  token_indices_ = rows_in(fields, "trainable_token_indices", source);
}

std::int64_t peft_config::rank_of(const std::string& module) const {
  const double rank = ranks_.find(module).value_or(rank_);
  if (!(rank >= 1 && rank <= std::numeric_limits<std::int32_t>::max()) ||
      rank != std::floor(rank)) {
    throw problem(source_ + ": the rank of " + quoted(module) + " is not a positive integer");
  }
  return static_cast<std::int64_t>(rank);
}

double peft_config::scale_of(const std::string& module) const {
  const auto rank = static_cast<double>(rank_of(module));
  const double alpha = alphas_.find(module).value_or(alpha_);
  return alpha / (rank_stabilised_ ? std::sqrt(rank) : rank);
}

bool peft_config::has_parameters_of(const std::string& module) const {
  return std::ranges::any_of(target_parameters_, [&](const std::string& target) {
    const auto [end, parameter] = split_target(target);
    return !end.empty() && ends_with_parts(module, end);
  });
}

std::vector<std::string> peft_config::parameters_of(const std::string& module) const {
  std::vector<std::string> parameters;
  for (const std::string& target : target_parameters_) {
    const auto [end, parameter] = split_target(target);
    if (!end.empty() && !ends_with_parts(module, end)) continue;
    if (std::ranges::find(parameters, parameter) == parameters.end()) {
      parameters.emplace_back(parameter);
    }
  }
  return parameters;
}

std::optional<std::vector<std::uint64_t>> peft_config::token_indices_of(
    const std::string& module) const {
  for (const auto& [end, rows] : token_indices_) {
    if (end.empty() || ends_with_parts(module, end)) return rows;
  }
  return {};
}

}  // namespace revlora::tool
