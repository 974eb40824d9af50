#include "formats/peft_names.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "console/utf8.hpp"

namespace revlora::tool {

namespace {

using parts = std::span<const std::string_view>;

// What torch puts into names when it compiles, shards or checkpoints a module.
constexpr std::array<std::string_view, 3> wrappers_of_torch = {"_orig_mod", "_fsdp_wrapped_module",
                                                               "_checkpoint_wrapped_module"};

/// The parts between dots, but no wrappers of torch, and no prefix of PEFT. Nothing if one of them
/// is empty.
std::vector<std::string_view> parts_of(std::string_view name) {
  std::vector<std::string_view> found;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (end == begin) return {};
    const std::string_view part = name.substr(begin, end - begin);
    if (std::ranges::find(wrappers_of_torch, part) == wrappers_of_torch.end()) {
      found.push_back(part);
    }
    begin = end + 1;
  }
  const bool parallel = found.size() > 2 && found[0] == "module" && found[1] == "base_model";
  if (parallel) found.erase(found.begin());
  // More than once if a model was made one of PEFT's twice.
  while (found.size() > 2 && found[0] == "base_model" && found[1] == "model") {
    found.erase(found.begin(), found.begin() + 2);
  }
  return found;
}

std::string joined(parts module) {
  std::string name;
  for (const std::string_view part : module) {
    if (!name.empty()) name += '.';
    name += part;
  }
  return name;
}

/// Of a factor `<module>.<marker>.<rest>`.
peft_part part_of(std::string_view marker, parts rest) {
  const std::string_view last = rest.empty() ? "" : rest.back();
  if (marker == "lora_embedding_A" && rest.size() <= 1) return peft_part::embedding_a;
  if (marker == "lora_embedding_B" && rest.size() <= 1) return peft_part::embedding_b;
  if (marker == "lora_A" && rest.size() <= 2 && last == "weight") return peft_part::a;
  if (marker == "lora_B" && rest.size() <= 2 && last == "weight") return peft_part::b;
  if (marker == "lora_B" && rest.size() <= 2 && last == "bias") return peft_part::b_bias;
  if (marker == "lora_magnitude_vector") return peft_part::magnitude;
  if (marker.starts_with("lora_velora_") || marker.starts_with("lora_monteclora_")) {
    return peft_part::needless;
  }
  return peft_part::unknown;
}

peft_name factor_name(parts module, std::string_view marker, parts rest) {
  peft_name name;
  name.part = part_of(marker, rest);
  while (module.size() > 1 && module.back() == "base_layer") {
    module = module.first(module.size() - 1);
    ++name.depth;
  }
  // A wrapped nn.MultiheadAttention has its last layer inside, and that is wrapped as well.
  std::vector<std::string_view> kept(module.begin(), module.end());
  if (kept.size() > 2 && kept.back() == "out_proj" && kept[kept.size() - 2] == "base_layer") {
    kept.erase(kept.end() - 2);
    name.is_wrapped = true;
  }
  name.module = joined(kept);
  return name;
}

peft_name tensor_name(parts all) {
  peft_name name;
  name.part = peft_part::tensor;
  std::vector<std::string_view> kept;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool last = i + 1 == all.size();
    const std::string_view part = all[i];
    if (!last && part == "base_layer") {
      name.is_wrapped = true;
    } else if (!last && part == "token_adapter" && all[i + 1] == "base_layer") {
      continue;
    } else if (!last && part == "original_module") {
      name.part = peft_part::needless;  // what `modules_to_save` has in place of it is trained
    } else if (!last && (part == "modules_to_save" || part == "ln_tuning_layers")) {
      if (part == "modules_to_save") name.part = peft_part::saved;
      if (i + 2 < all.size() && all[i + 1] == "default") ++i;
    } else {
      kept.push_back(part);
    }
  }
  const bool single = kept.size() == 1;
  name.module = joined(parts(kept).first(single ? 1 : kept.size() - 1));
  if (!single) name.parameter = kept.back();
  return name;
}

}  // namespace

peft_name parse_peft_name(const std::string& name, const std::string& source) {
  const std::vector<std::string_view> found = parts_of(name);
  const parts all = found;
  const auto refuse = [&] {
    throw problem(source + ": the tensor " + quoted(name) +
                  " has a name that PEFT does not give: cannot merge it");
  };
  if (all.empty() || has_control_characters(name)) refuse();
  const auto is_marker = [](std::string_view part) {
    return part.starts_with("lora_") || part == "trainable_tokens_delta";
  };
  std::size_t marker = all.size();
  while (marker > 0 && !is_marker(all[marker - 1])) --marker;
  if (marker == 0) return tensor_name(all);
  parts module = all.first(marker - 1);
  const parts rest = all.subspan(marker);
  const std::string_view what = all[marker - 1];
  if (what != "trainable_tokens_delta") {
    if (module.empty()) refuse();
    return factor_name(module, what, rest);
  }
  if (!module.empty() && module.back() == "token_adapter") module = module.first(module.size() - 1);
  if (module.empty() || rest.size() > 1) refuse();
  return {joined(module), "weight", peft_part::tokens};
}

}  // namespace revlora::tool
