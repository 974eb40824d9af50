#include "formats/peft_factors.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "console/utf8.hpp"

namespace revlora::tool {

namespace {

constexpr std::string_view prefix = "base_model.model.";

/// Why a tensor that is no factor keeps its adapter from being merged.
std::string meaning_of(const std::string& name) {
  if (name.find(".lora_magnitude_vector") != std::string::npos) return "DoRA magnitudes";
  if (name.find(".trainable_tokens_") != std::string::npos) return "replaced rows of an embedding";
  if (name.ends_with(".lora_B.bias")) return "an adapter's own bias";
  if (name.find(".lora_") != std::string::npos) return "not a factor that revlora knows";
  if (name.ends_with(".bias")) return "a replaced bias of the base model";
  if (name.ends_with(".weight")) return "a replaced weight of the base model";
  return "nothing that revlora knows";
}

struct factor_name {
  std::string module;
  bool embedding;
  bool is_a;
};

/// Takes the last of the parts between dots off; nothing if it is empty, or the only one.
std::optional<std::string_view> take_last(std::string_view& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) return {};
  const std::string_view last = name.substr(dot + 1);
  name = name.substr(0, dot);
  return last;
}

/// `<module>.<kind>A` or `…B`, with a part more at the end at most: the adapter's name, as files
/// saved by hand may have it.
std::optional<factor_name> parse_factor(std::string_view name, const std::string& kind) {
  for (int parts = 1; parts <= 2; ++parts) {
    const auto last = take_last(name);
    if (!last) return {};
    if (*last == kind + "A" || *last == kind + "B") {
      return factor_name{std::string(name), kind == "lora_embedding_", last->back() == 'A'};
    }
  }
  return {};
}

/// `<prefix><module>.lora_A.weight` or `<prefix><module>.lora_embedding_A`.
factor_name parse_name(const std::string& name, const std::string& source) {
  const auto refuse = [&](const std::string& reason) {
    throw problem(source + ": the tensor " + quoted(name) + " is " + reason);
  };
  if (!name.starts_with(prefix)) refuse("not named " + std::string(prefix) + "…");
  const std::string_view rest = std::string_view(name).substr(prefix.size());
  constexpr std::string_view suffix = ".weight";
  std::optional<factor_name> factor;
  if (rest.ends_with(suffix)) {
    factor = parse_factor(rest.substr(0, rest.size() - suffix.size()), "lora_");
  }
  if (!factor) factor = parse_factor(rest, "lora_embedding_");
  if (!factor || has_control_characters(name)) refuse(meaning_of(name) + ": cannot merge it");
  if (("." + factor->module + ".").find(".base_layer.") != std::string::npos) {
    refuse("a factor inside a wrapped layer: cannot merge it");
  }
  return *factor;
}

struct factor_pair {
  layer_kind kind;
  const tensor* a = nullptr;
  const tensor* b = nullptr;
};

void check_shapes(const factor_pair& factors, const std::string& where) {
  const auto& a = factors.a->shape;
  const auto& b = factors.b->shape;
  const std::string shapes = "A " + describe_shape(a) + ", B " + describe_shape(b);
  const bool flat = factors.kind != layer_kind::convolution;
  if (a.size() != b.size() || (flat ? a.size() != 2 : a.size() < 3 || a.size() > 5)) {
    throw problem(where + "has factors of unknown layout: " + shapes);
  }
  const bool pointwise =
      std::all_of(b.begin() + 2, b.end(), [](auto extent) { return extent == 1; });
  if (a[0] != b[1] || !pointwise) throw problem(where + "has factors that do not fit: " + shapes);
  if (factors.a->dtype != factors.b->dtype) {
    throw problem(where + "mixes types: A " + factors.a->dtype + ", B " + factors.b->dtype);
  }
  if (!factors.a->type()) {
    throw problem(where + "has factors of type " + factors.a->dtype +
                  ": only F32, F16 and BF16 can be merged");
  }
}

void check_rank(std::uint64_t stored, const std::string& module, const peft_config& config,
                const std::string& where) {
  const auto rank = static_cast<std::uint64_t>(config.rank_of(module));
  if (rank == stored) return;
  throw problem(where + "has rank " + std::to_string(stored) + ", but adapter_config.json says " +
                std::to_string(rank));
}

stored_factor stored(const tensor& factor) {
  return {*factor.type(), factor.shape, factor.begin, factor.end};
}

std::map<std::string, factor_pair> pairs_by_module(std::span<const tensor> tensors,
                                                   const std::string& source) {
  std::map<std::string, factor_pair> pairs;
  for (const tensor& factor : tensors) {
    const auto [module, embedding, is_a] = parse_name(factor.name, source);
    const bool flat = factor.shape.size() <= 2;
    const layer_kind kind = embedding ? layer_kind::embedding
                            : flat    ? layer_kind::linear
                                      : layer_kind::convolution;
    factor_pair& pair = pairs.try_emplace(module, factor_pair{kind}).first->second;
    const tensor*& side = is_a ? pair.a : pair.b;
    if (side != nullptr || pair.kind != kind) {
      throw problem(source + ": the module " + quoted(module) + " has more than one adapter");
    }
    side = &factor;
  }
  return pairs;
}

}  // namespace

std::vector<adapter_update> pair_factors(std::span<const tensor> tensors, const peft_config& config,
                                         const std::string& source) {
  const auto pairs = pairs_by_module(tensors, source);
  if (pairs.empty()) throw problem(source + ": no LoRA factors in it");
  std::vector<adapter_update> updates;
  for (const auto& [module, pair] : pairs) {
    const std::string where = source + ": the module " + quoted(module) + " ";
    if (pair.a == nullptr) throw problem(where + "has no lora_A");
    if (pair.b == nullptr) throw problem(where + "has no lora_B");
    check_shapes(pair, where);
    const low_rank_factors factors{stored(*pair.b), stored(*pair.a)};
    check_rank(factors.rank(), module, config, where);
    updates.push_back(
        {module, pair.kind, config.fan_in_fan_out(), factors, config.scale_of(module)});
  }
  return updates;
}

}  // namespace revlora::tool
