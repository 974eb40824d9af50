#include "plan/orientation.hpp"

#include <algorithm>
#include <array>

#include "console/text.hpp"
#include "plan/wrapped_names.hpp"

namespace revlora::tool {

namespace {

/// A weight's module and the layers that it is in, with numbers left out.
struct weight_place {
  std::string tower;
  std::string kind;
};

bool is_number(std::string_view part) {
  return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
}

weight_place place_of(const std::string& tensor) {
  std::vector<std::string_view> parts = name_parts(tensor);
  if (parts.back() == "weight") parts.pop_back();
  weight_place place;
  if (parts.empty()) return place;
  place.kind = parts.back();
  const auto first_number = std::ranges::find_if(parts, is_number);
  const bool is_expert = std::ranges::find(parts, std::string_view("experts")) != parts.end();
  place.tower = joined({parts.begin(), first_number});
  // Stacks of experts may lie otherwise than the linear layers beside them.
  if (is_expert) place.tower += " experts";
  return place;
}

constexpr std::array<std::string_view, 4> conv1d_kinds = {"c_attn", "c_proj", "c_fc", "q_attn"};

bool is_conv1d_kind(const std::string& kind) {
  return std::ranges::find(conv1d_kinds, kind) != conv1d_kinds.end();
}

// Whatever model of transformers or diffusers has layers of these names, they are torch's Linear.
constexpr std::array<std::string_view, 20> linear_kinds = {
    "q_proj",          "k_proj",        "v_proj",        "o_proj",       "out_proj",
    "gate_proj",       "up_proj",       "down_proj",     "gate_up_proj", "qkv_proj",
    "query",           "key",           "value",         "dense",        "to_q",
    "query_key_value", "dense_h_to_4h", "dense_4h_to_h", "to_k",         "to_v"};

/// Classes of transformers that are made of Conv1D.
constexpr std::array<std::string_view, 5> conv1d_models = {"gpt2", "openai-gpt", "imagegpt",
                                                           "decision_transformer", "clvp"};

/// Of the model, and of those that it is made of.
std::vector<std::string> model_types(const nlohmann::ordered_json& config) {
  std::vector<std::string> types;
  const auto add = [&](const nlohmann::ordered_json& fields) {
    const auto type = fields.find("model_type");
    if (type != fields.end() && type->is_string()) types.push_back(type->get<std::string>());
  };
  add(config);
  for (const auto& [name, value] : config.items()) {
    if (value.is_object()) add(value);
  }
  return types;
}

}  // namespace

void orientation_evidence::ballot::add(const std::string& tensor, bool is_transposed) {
  const weight_place place = place_of(tensor);
  const auto vote = [&](votes& in) { (is_transposed ? in.transposed : in.plain) = tensor; };
  vote(kinds_in_towers[place.tower + " " + place.kind]);
  vote(towers[place.tower]);
  vote(kinds[place.kind]);
}

orientation_evidence::orientation_evidence(const checkpoint& model) {
  learn_from_layers(model);
  learn_from_stacks(model);
  if (const auto* config = model.config()) {
    const auto types = model_types(*config);
    knows_family_ = !types.empty();
    family_has_conv1d_ = std::ranges::any_of(types, [](const std::string& type) {
      return std::ranges::find(conv1d_models, type) != conv1d_models.end();
    });
  }
}

void orientation_evidence::learn(const std::string& tensor, bool is_transposed) {
  by_adapter_.add(tensor, is_transposed);
}

void orientation_evidence::learn_from_layers(const checkpoint& model) {
  constexpr std::string_view suffix = ".weight";
  for (const auto& [name, weight] : model.tensors()) {
    const auto& shape = weight.entry.shape;
    if (shape.size() != 2 || shape[0] == shape[1] || !name.ends_with(suffix)) continue;
    // GPT-2's names, of layers that have more outputs than inputs, whatever their class.
    if (name.ends_with(".c_attn.weight") || name.ends_with(".c_fc.weight")) {
      by_model_.add(name, shape[1] > shape[0]);
      continue;
    }
    const auto* bias = model.find(name.substr(0, name.size() - suffix.size()) + ".bias");
    if (bias == nullptr || bias->entry.shape.size() != 1) continue;
    const std::uint64_t outputs = bias->entry.shape[0];
    if (outputs == shape[0] || outputs == shape[1]) by_model_.add(name, outputs == shape[1]);
  }
}

/// A stack of `gate_up_proj` has twice as many outputs as one of `down_proj` has inputs.
void orientation_evidence::learn_from_stacks(const checkpoint& model) {
  constexpr std::string_view suffix = ".experts.gate_up_proj";
  for (const auto& [name, stack] : model.tensors()) {
    if (!name.ends_with(suffix)) continue;
    const std::string down_name = name.substr(0, name.size() - 12) + "down_proj";
    const auto* down = model.find(down_name);
    if (down == nullptr) continue;
    const auto& up_shape = stack.entry.shape;
    const auto& down_shape = down->entry.shape;
    if (up_shape.size() != 3 || down_shape.size() != 3) continue;
    const bool plain = up_shape[1] == 2 * down_shape[2] && up_shape[2] == down_shape[1];
    const bool transposed = up_shape[2] == 2 * down_shape[1] && up_shape[1] == down_shape[2];
    if (plain == transposed) continue;
    by_model_.add(name, transposed);
    by_model_.add(down_name, transposed);
  }
}

std::optional<orientation_evidence::verdict> orientation_evidence::of(
    const std::string& tensor) const {
  const weight_place place = place_of(tensor);
  const auto ask = [&](const std::map<std::string, votes>& of, const std::string& key,
                       const char* reason) -> std::optional<verdict> {
    const auto found = of.find(key);
    if (found == of.end()) return {};
    const auto& [plain, transposed] = found->second;
    if (plain.empty() == transposed.empty()) return {};
    return verdict{plain.empty(), reason + quoted(plain.empty() ? transposed : plain)};
  };
  constexpr const char* by_factors = "as the factors fit ";
  constexpr const char* by_shape = "as the model's shapes tell of ";
  const std::string kind_in_tower = place.tower + " " + place.kind;
  if (auto found = ask(by_adapter_.kinds_in_towers, kind_in_tower, by_factors)) return found;
  if (auto found = ask(by_model_.kinds_in_towers, kind_in_tower, by_shape)) return found;
  if (auto found = ask(by_adapter_.towers, place.tower, by_factors)) return found;
  if (auto found = ask(by_model_.towers, place.tower, by_shape)) return found;
  if (auto found = ask(by_adapter_.kinds, place.kind, by_factors)) return found;
  if (auto found = ask(by_model_.kinds, place.kind, by_shape)) return found;
  if (place.tower.ends_with(" experts")) return {};
  if (knows_family_) {
    return verdict{family_has_conv1d_ && is_conv1d_kind(place.kind), "as config.json tells"};
  }
  if (std::ranges::find(linear_kinds, place.kind) != linear_kinds.end()) {
    return verdict{false, "as all layers of the name " + place.kind};
  }
  return {};
}

}  // namespace revlora::tool
