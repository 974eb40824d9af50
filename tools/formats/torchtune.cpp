#include "formats/torchtune.hpp"

#include "console/text.hpp"
#include "files/json.hpp"
#include "formats/factor_file.hpp"
#include "formats/peft_scale.hpp"

namespace revlora::tool {

namespace {

/// torchtune calls what it saves for others as PEFT does.
std::filesystem::path file_of(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  return is_folder ? path / "adapter_model.safetensors" : path;
}

}  // namespace

bool is_torchtune_adapter(const std::filesystem::path& path) {
  return has_tensor(file_of(path),
                    [](std::string_view name) { return name.ends_with(".lora_a.weight"); });
}

stored_adapter read_torchtune_adapter(const std::filesystem::path& path) {
  factor_file opened(file_of(path));
  const std::string config_source = quoted(opened.files().home().path_of("adapter_config.json"));
  std::optional<peft_config> config;
  if (const auto text = opened.text_beside("adapter_config.json")) {
    config.emplace(configuration_of(parse_object(*text, config_source), config_source));
  }
  const std::string source = opened.source();
  const auto usual_scale = [&](const module_name& name,
                               std::uint64_t rank) -> std::optional<double> {
    if (!config) return {};
    return scale_by(*config, name.module, rank, source);
  };
  stored_adapter adapter = std::move(opened).read(
      "torchtune LoRA", usual_scale,
      "it does not say its strength: alpha is not in torchtune's files; put an "
      "adapter_config.json with the \"r\" and \"lora_alpha\" of the recipe beside it");
  if (config && adapter.refused.empty()) adapter.refused = config->refused();
  return adapter;
}

}  // namespace revlora::tool
