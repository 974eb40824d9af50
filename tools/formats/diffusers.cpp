#include "formats/diffusers.hpp"

#include <map>

#include "console/text.hpp"
#include "files/json.hpp"
#include "formats/factor_file.hpp"
#include "formats/peft_scale.hpp"
#include "safetensors/file_metadata.hpp"

namespace revlora::tool {

namespace {

namespace fs = std::filesystem;

fs::path file_of(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? path / "pytorch_lora_weights.safetensors" : path;
}

/// PEFT's configuration of each component, as newer files have it in their metadata: one text of
/// JSON with keys like "transformer.lora_alpha", or without a prefix for the only component.
std::map<std::string, peft_config> configurations(const file& opened) {
  std::map<std::string, peft_config> result;
  const auto metadata = read_metadata(opened);
  const auto text = metadata.find("lora_adapter_metadata");
  if (text == metadata.end()) return result;
  const std::string source = quoted(opened.path()) + ": lora_adapter_metadata";
  std::map<std::string, nlohmann::ordered_json> fields;
  const nlohmann::ordered_json all = parse_object(text->second, source);
  for (const auto& [key, value] : all.items()) {
    const std::size_t dot = key.find('.');
    const std::string component = dot == std::string::npos ? "" : key.substr(0, dot);
    fields[component][key.substr(dot + 1)] = value;
  }
  for (auto& [component, each] : fields) {
    result.try_emplace(component, configuration_of(std::move(each), source));
  }
  return result;
}

/// Whoever saves the factors of an image or video model without alpha means that it is the rank.
/// Those of language models have an alpha of their own, but in PEFT's configuration.
bool is_of_a_diffusion_model(const module_name& name) {
  return !name.component.empty() || name.module.find("blocks.") != std::string::npos ||
         name.module.find("mid_block.") != std::string::npos;
}

constexpr const char* no_alpha =
    "it does not say its strength: names like PEFT's, but alpha is neither among the tensors nor "
    "in the metadata; put PEFT's adapter_config.json beside it, call it "
    "adapter_model.safetensors, and name their folder";

}  // namespace

bool is_diffusers_adapter(const fs::path& path) {
  return has_tensor(file_of(path), [](std::string_view tensor) {
    const auto name = factor_name_of(tensor);
    return name && name->tells_an_adapter;
  });
}

stored_adapter read_diffusers_adapter(const fs::path& path) {
  factor_file opened(file_of(path));
  const auto configs = configurations(opened.files().at(0));
  const std::string source = opened.source();
  const auto usual_scale = [&](const module_name& name,
                               std::uint64_t rank) -> std::optional<double> {
    auto config = configs.find(name.component);
    if (config == configs.end()) config = configs.find("");
    if (config != configs.end()) return scale_by(config->second, name.module, rank, source);
    if (is_of_a_diffusion_model(name)) return 1;
    return {};
  };
  stored_adapter adapter = std::move(opened).read("diffusers LoRA", usual_scale, no_alpha);
  for (const auto& [component, config] : configs) {
    if (adapter.refused.empty()) adapter.refused = config.refused();
  }
  return adapter;
}

}  // namespace revlora::tool
