#include "formats/litgpt.hpp"

#include <charconv>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "formats/factor_file.hpp"

namespace revlora::tool {

namespace {

/// The number behind `key:` at the start of a line: all that is needed of `hyperparameters.yaml`.
std::optional<double> number_of(std::string_view yaml, std::string_view key) {
  while (!yaml.empty()) {
    const std::size_t end = std::min(yaml.find('\n'), yaml.size());
    std::string_view line = yaml.substr(0, end);
    yaml.remove_prefix(std::min(end + 1, yaml.size()));
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':')) continue;
    line.remove_prefix(key.size() + 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    double number = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error == std::errc()) return number;
  }
  return {};
}

/// Of queries, keys and values that are one weight, LitGPT keeps a pair for each in one pair of
/// tensors. Which rows are whose depends on the numbers of heads, and on its version.
void refuse_fused(const factor_file& opened) {
  std::map<std::string, std::uint64_t> ranks;
  for (const tensor& stored : opened.tensors()) {
    const auto name = factor_name_of(stored.name);
    if (name && name->role == factor_role::up && stored.shape.size() == 2) {
      ranks[name->stem] = stored.shape[1];
    }
  }
  for (const tensor& stored : opened.tensors()) {
    const auto name = factor_name_of(stored.name);
    if (!name || name->role != factor_role::down || stored.shape.size() != 2) continue;
    const auto rank = ranks.find(name->stem);
    if (rank == ranks.end() || rank->second == 0 || stored.shape[0] == rank->second) continue;
    if (stored.shape[0] % rank->second != 0) continue;
    throw problem(opened.source() + ": the module " + quoted(name->stem) +
                  " has factors for queries, keys and values in one, which revlora cannot take "
                  "apart: merge it by `litgpt merge_lora`");
  }
}

}  // namespace

bool is_litgpt_adapter(const std::filesystem::path& path) {
  return has_tensor(path, [](std::string_view name) {
    return name.starts_with("transformer.h.") && name.ends_with(".lora_A");
  });
}

stored_adapter read_litgpt_adapter(const std::filesystem::path& path) {
  factor_file opened(path);
  refuse_fused(opened);
  const std::string yaml = opened.text_beside("hyperparameters.yaml").value_or("");
  const std::optional<double> alpha = number_of(yaml, "lora_alpha");
  const auto usual_scale = [&](const module_name&, std::uint64_t rank) -> std::optional<double> {
    if (!alpha) return {};
    return *alpha / static_cast<double>(rank);
  };
  return std::move(opened).read(
      "LitGPT LoRA", usual_scale,
      "it does not say its strength: put the hyperparameters.yaml that LitGPT wrote, which has "
      "lora_alpha, beside it");
}

}  // namespace revlora::tool
