#include "formats/peft_config.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/json.hpp"

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

// Fields that change what merging means, unless they are null, false or empty.
const std::map<std::string, std::string> unsupported = {
    {"use_dora", "DoRA rescales the merged weights"},
    {"lora_bias", "the adapter has biases of its own"},
    {"modules_to_save", "it replaces whole modules"},
    {"target_parameters", "it adapts parameters instead of modules"},
    {"trainable_token_indices", "it replaces rows of an embedding"},
    {"layer_replication", "it duplicates layers of the base model"},
    {"megatron_config", "the base model is split over devices"},
    {"kasa_config", "it truncates the base weights"},
    {"arrow_config", "its effect depends on the input"},
    {"alora_invocation_tokens", "its effect depends on the input"},
    {"use_qalora", "QALoRA groups the inputs"},
    {"use_bdlora", "its factors are block-diagonal"},
    {"velora_config", "VeLoRA"},
    {"monteclora_config", "MonteCLoRA"}};

// Initialisations that leave the base weights as they are.
const std::set<std::string> harmless_initialisations = {"gaussian", "orthogonal", "eva"};

// Named like the switch of a variant, but without influence on merging.
const std::set<std::string> harmless_switches = {
    "use_rslora", "loftq_config", "eva_config", "corda_config", "lora_ga_config", "runtime_config"};

bool is_on(const json& value) {
  if (value.is_null() || value == false) return false;
  return !((value.is_structured() || value.is_string()) && (value.empty() || value == ""));
}

/// As JSON, with escapes for all that is not ASCII: fit for a terminal, and for being cut anywhere.
std::string as_ascii(const json& value) {
  return value.dump(-1, ' ', true);
}

[[noreturn]] void refuse(const std::string& source, const std::string& field, const json& value,
                         const std::string& reason) {
  std::string shown = as_ascii(value);
  if (shown.size() > 40) shown = shown.substr(0, 37) + "...";
  throw problem(source + ": cannot merge with " + as_ascii(field) + ": " + shown + " (" + reason +
                ")");
}

void refuse_unsupported(const json& fields, const std::string& source) {
  for (const auto& [field, value] : fields.items()) {
    if (!is_on(value)) continue;
    if (const auto known = unsupported.find(field); known != unsupported.end()) {
      refuse(source, field, value, known->second);
    }
    // PEFT switches its variants on by such fields, so one that is new may well be a new variant.
    const bool looks_like_a_variant = field.starts_with("use_") || field.ends_with("_config");
    if (looks_like_a_variant && !harmless_switches.contains(field)) {
      refuse(source, field, value, "a variant of LoRA that revlora does not know");
    }
  }
  if (const auto bias = fields.find("bias");
      bias != fields.end() && !bias->is_null() && *bias != "none") {
    refuse(source, "bias", *bias, "it replaces biases of the base model");
  }
  const auto initialisation = fields.find("init_lora_weights");
  if (initialisation != fields.end() && initialisation->is_string() &&
      !harmless_initialisations.contains(initialisation->get<std::string>())) {
    refuse(source, "init_lora_weights", *initialisation,
           "this initialisation changed the base weights: convert the adapter when saving it");
  }
}

const json& checked_type(const json& fields, const std::string& source) {
  const auto type = fields.find("peft_type");
  if (type == fields.end() && fields.contains("fine_tune_type")) {
    throw problem(source + ": an mlx-lm adapter, not a PEFT one");
  }
  if (type == fields.end() || !type->is_string()) {
    throw problem(source + ": no \"peft_type\": not the configuration of a PEFT adapter");
  }
  if (*type != "LORA") refuse(source, "peft_type", *type, "only LORA is supported");
  refuse_unsupported(fields, source);
  return fields;
}

double number(const json& fields, const char* field, double otherwise, const std::string& source) {
  const auto value = fields.find(field);
  if (value == fields.end()) return otherwise;
  if (!value->is_number()) throw problem(source + ": \"" + field + "\" is not a number");
  return value->get<double>();
}

bool flag(const json& fields, const char* field, const std::string& source) {
  const auto value = fields.find(field);
  if (value == fields.end() || value->is_null()) return false;
  if (!value->is_boolean()) throw problem(source + ": \"" + field + "\" is not true or false");
  return value->get<bool>();
}

module_pattern pattern(const json& fields, const char* field, const std::string& source) {
  const auto value = fields.find(field);
  const bool absent = value == fields.end() || value->is_null();
  return {absent ? json::object() : *value, source + ": \"" + field + "\""};
}

}  // namespace

peft_config::peft_config(const std::string& text, const std::string& source)
    : peft_config(parse_object(text, source), source) {
}

peft_config::peft_config(const json& fields, const std::string& source)
    : source_(source),
      rank_(number(checked_type(fields, source), "r", 8, source)),
      alpha_(number(fields, "lora_alpha", 8, source)),
      rank_stabilised_(flag(fields, "use_rslora", source)),
      fan_in_fan_out_(flag(fields, "fan_in_fan_out", source)),
      ranks_(pattern(fields, "rank_pattern", source)),
      alphas_(pattern(fields, "alpha_pattern", source)) {
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

}  // namespace revlora::tool
