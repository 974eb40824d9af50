#include "formats/peft_factors.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

std::string describe(const factor_pair& factors) {
  return "A " + describe_shape(factors.a->shape) + ", B " + describe_shape(factors.b->shape);
}

void check_type(const tensor& stored, const std::string& where) {
  constexpr std::array<std::string_view, 6> readable = {"F64",  "F32",     "F16",
                                                        "BF16", "F8_E4M3", "F8_E5M2"};
  if (std::ranges::find(readable, stored.dtype) != readable.end()) return;
  throw problem(where + "has factors of type " + stored.dtype +
                ": only floating-point numbers of 8, 16, 32 and 64 bits can be merged");
}

/// B of a grouped convolution sees the rank of one group only.
std::uint64_t groups_of(const factor_pair& factors) {
  if (factors.kind != layer_kind::convolution) return 1;
  const std::uint64_t rank = factors.a->shape[0], seen = factors.b->shape[1];
  return seen > 0 && seen < rank && rank % seen == 0 ? rank / seen : 1;
}

void check_shapes(const factor_pair& factors, const std::string& where) {
  const auto& a = factors.a->shape;
  const auto& b = factors.b->shape;
  if (factors.a->element_count() == 0 || factors.b->element_count() == 0) {
    throw problem(where + "has empty factors, " + describe(factors) +
                  ": save the adapter again from a trainer that gathers what it has distributed");
  }
  const bool flat = factors.kind != layer_kind::convolution;
  if (a.size() != b.size() || (flat ? a.size() != 2 : a.size() < 3 || a.size() > 5)) {
    throw problem(where + "has factors of unknown layout: " + describe(factors));
  }
  const bool pointwise =
      std::all_of(b.begin() + 2, b.end(), [](auto extent) { return extent == 1; });
  if (a[0] != b[1] * groups_of(factors) || !pointwise) {
    throw problem(where + "has factors that do not fit: " + describe(factors));
  }
  check_type(*factors.a, where);
  check_type(*factors.b, where);
  const bool fitting = factors.b_bias == nullptr ||
                       (factors.b_bias->shape.size() == 1 && factors.b_bias->shape[0] == b[0]);
  if (!fitting) {
    throw problem(where + "has a bias that does not fit: " + describe_shape(factors.b_bias->shape) +
                  ", B " + describe_shape(b));
  }
  if (factors.b_bias != nullptr) check_type(*factors.b_bias, where);
}

[[noreturn]] void refuse_rank(const factor_pair& factors, std::int64_t rank,
                              const std::string& where) {
  throw problem(where + "has rank " + std::to_string(factors.a->shape[0]) +
                ", but adapter_config.json says " + std::to_string(rank));
}

low_rank_update low_rank_of(const factor_pair& factors, double scale, bool fan_in_fan_out) {
  low_rank_update update;
  update.kind = factors.kind;
  update.scale = scale;
  update.fan_in_fan_out = fan_in_fan_out;
  if (factors.kind == layer_kind::embedding) {
    update.shape = {factors.a->shape[1], factors.b->shape[0]};
    update.b = matrix_of(0, *factors.a).transposed();
    update.a = matrix_of(0, *factors.b).transposed();
  } else {
    update.shape = factors.a->shape;
    update.shape[0] = factors.b->shape[0];
    update.b = matrix_of(0, *factors.b);
    update.a = matrix_of(0, *factors.a);
  }
  return update;
}

/// Whether the factors are of a parameter that `target_parameters` chose. Where it names parameters
/// without their modules, the rank tells, which is that of all experts together.
bool is_of_parameter(const factor_pair& factors, const std::string& module,
                     const peft_config& config) {
  if (factors.kind != layer_kind::linear || config.parameters_of(module).empty()) return false;
  if (factors.depth > 0 || config.has_parameters_of(module)) return true;
  return factors.a->shape[0] != static_cast<std::uint64_t>(config.rank_of(module));
}

expert_stack_update stack_of(const factor_pair& factors, const std::string& module,
                             const peft_config& config, const std::string& where) {
  expert_stack_update update;
  update.b = matrix_of(0, *factors.b);
  update.a = matrix_of(0, *factors.a);
  update.depth = factors.depth;
  update.fan_in_fan_out = config.stacks_fan_in_fan_out();
  for (const std::string& parameter : config.parameters_of(module)) {
    const std::string name = module + "." + parameter;
    const auto rank = static_cast<std::uint64_t>(config.rank_of(name));
    if (update.a.rows % rank != 0) continue;
    const std::uint64_t experts = update.a.rows / rank;
    const double scale = config.scale_of(name);
    const bool first = update.parameters.empty();
    if (!first && (experts != update.experts || scale != update.scale)) {
      throw problem(where + "has factors that may be of " + quoted(update.parameters.front()) +
                    " or " + quoted(parameter) +
                    ", which have different ranks or alphas in adapter_config.json, and nothing "
                    "says of which: give both the same");
    }
    update.experts = experts;
    update.scale = scale;
    update.parameters.push_back(parameter);
  }
  if (update.parameters.empty()) refuse_rank(factors, config.rank_of(module), where);
  return update;
}

}  // namespace

std::string reason_to_refuse(const factor_pair& factors, const std::string& module) {
  const std::uint64_t groups = groups_of(factors);
  if (groups == 1) return "";
  return "the module " + quoted(module) + " is a convolution in " + std::to_string(groups) +
         " groups, " + describe(factors) + ": neither revlora nor PEFT can merge it";
}

std::vector<adapter_update> updates_of(const factor_pair& factors, const std::string& module,
                                       const peft_config& config, const std::string& where) {
  if (factors.a == nullptr)
    throw problem(where + "has no lora_A: a part of the adapter is missing");
  if (factors.b == nullptr)
    throw problem(where + "has no lora_B: a part of the adapter is missing");
  check_shapes(factors, where);
  if (is_of_parameter(factors, module, config)) {
    if (factors.b_bias != nullptr) throw problem(where + "has a bias, but adapts a parameter");
    const expert_stack_update stack = stack_of(factors, module, config, where);
    const bool certain = stack.parameters.size() == 1;
    return {
        {.module = module, .parameter = certain ? stack.parameters.front() : "", .content = stack}};
  }
  if (factors.depth > 0) {
    throw problem(where +
                  "has factors inside another adapted layer, which is none that "
                  "\"target_parameters\" in adapter_config.json names: cannot merge them");
  }
  // PEFT gives both layers of an attention the rank and the alpha of the whole.
  const std::string looked_up =
      factors.is_attention_output ? module.substr(0, module.rfind('.')) : module;
  const std::int64_t rank = config.rank_of(looked_up);
  if (factors.a->shape[0] != static_cast<std::uint64_t>(rank)) refuse_rank(factors, rank, where);
  // And it adds the update of the output layer twice, in every step of the training as in its own
  // merge (https://github.com/huggingface/peft/pull/3774): what was trained is W + 2·D.
  const double scale = (factors.is_attention_output ? 2 : 1) * config.scale_of(looked_up);
  std::vector<adapter_update> updates;
  updates.push_back({.module = module,
                     .parameter = factors.is_attention_input ? "in_proj_weight" : "weight",
                     .content = low_rank_of(factors, scale, config.fan_in_fan_out())});
  if (factors.b_bias != nullptr) {
    updates.push_back({.module = module,
                       .parameter = "bias",
                       .content = difference_update{.shape = factors.b_bias->shape,
                                                    .values = matrix_of(0, *factors.b_bias),
                                                    .scale = scale}});
  }
  return updates;
}

}  // namespace revlora::tool
