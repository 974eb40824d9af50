#include "formats/mlx_lm.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/json.hpp"
#include "formats/adapter_path.hpp"
#include "formats/factor_file.hpp"
#include "formats/factor_pairs.hpp"
#include "safetensors/safetensors_file.hpp"

namespace revlora::tool {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

constexpr const char* config_name = "adapter_config.json";

/// A folder, and which of its safetensors files: training leaves earlier ones in it.
struct mlx_place {
  fs::path home;
  std::string factors = "adapters.safetensors";
};

mlx_place place_of(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return {path};
  const fs::path home = path.has_parent_path() ? path.parent_path() : ".";
  if (path.filename() == config_name) return {home};
  return {home, path.filename().string()};
}

/// Nothing if there is none, or if it cannot be read.
std::optional<json> try_to_read_config(const fs::path& home) {
  const auto opened = try_to_open(home / config_name);
  if (!opened) return {};
  try {
    return parse_object(opened->read_text(), quoted(opened->path()));
  } catch (const problem&) {
    return {};
  }
}

double scale_in(const json& config, const std::string& source) {
  const auto parameters = config.find("lora_parameters");
  if (parameters != config.end() && parameters->is_object()) {
    const auto scale = parameters->find("scale");
    if (scale != parameters->end() && scale->is_number()) return scale->get<double>();
  }
  throw problem(source + ": no \"scale\" in \"lora_parameters\": the strength of the adapter");
}

/// mlx-lm wraps linear layers and embeddings; only names tell which a pair of matrices is of.
bool is_embedding(const std::string& module) {
  const std::string last = module.substr(module.rfind('.') + 1);
  return last.find("emb") != std::string::npos || last == "wte" || last == "wpe";
}

/// lora_a is `[in, r]` and lora_b `[r, out]`; of an embedding `[rows, r]` and `[r, width]`.
low_rank_update matrix_update(const std::string& module, const factor_pair& pair) {
  const stored_matrix a = matrix_of(0, *pair.a);
  const stored_matrix b = matrix_of(0, *pair.b);
  low_rank_update update;
  if (is_embedding(module)) {
    update.kind = layer_kind::embedding;
    update.shape = {a.rows, b.cols};
    update.b = a;
    update.a = b;
  } else {
    update.shape = {b.cols, a.rows};
    update.b = b.transposed();
    update.a = a.transposed();
  }
  return update;
}

/// Of experts lora_a is `[experts, r, in]`, in older files `[experts · r, in]`, and lora_b
/// `[experts, out, r]`.
bool is_of_experts(const factor_pair& pair) {
  const auto& a = pair.a->shape;
  const auto& b = pair.b->shape;
  if (b.size() != 3) return false;
  if (a.size() == 3) return a[0] == b[0] && a[1] == b[2];
  std::uint64_t rows = 0;
  return a.size() == 2 && !__builtin_mul_overflow(b[0], b[2], &rows) && a[0] == rows;
}

std::vector<low_rank_update> updates_of(const std::string& module, const factor_pair& pair,
                                        const std::string& source) {
  const auto& a = pair.a->shape;
  const auto& b = pair.b->shape;
  if (a.size() == 2 && b.size() == 2 && a[1] == b[0]) return {matrix_update(module, pair)};
  if (!is_of_experts(pair)) refuse_shapes(pair, module, source);
  low_rank_update stack;
  stack.b = rows_of(0, *pair.b);
  stack.a = rows_of(0, *pair.a);
  return updates_of_experts(stack, b[0]);
}

void add_updates(stored_adapter& adapter, std::span<const tensor> tensors, double scale,
                 const std::string& source) {
  unused_tensors unused;
  for (const auto& [module, pair] : factor_pairs(tensors, source, unused)) {
    auto updates = updates_of(module, pair, source);
    if (updates.empty()) refuse_shapes(pair, module, source);
    for (low_rank_update& update : updates) {
      update.scale = scale;
      adapter.updates.push_back({.module = module, .content = std::move(update)});
    }
  }
  adapter.unused = unused.finish();
}

std::vector<std::pair<std::string, std::string>> facts_of(const json& config) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const char* const field : {"model", "fine_tune_type", "num_layers", "lora_parameters"}) {
    const auto value = config.find(field);
    if (value == config.end() || value->is_null()) continue;
    facts.emplace_back(field, value->is_string() ? value->get<std::string>() : value->dump());
  }
  return facts;
}

std::string why_refused(const json& config, std::span<const tensor> tensors) {
  const auto type = config.find("fine_tune_type");
  const bool says_dora = type != config.end() && *type == "dora";
  const bool has_magnitudes =
      std::ranges::any_of(tensors, [](const tensor& each) { return each.name.ends_with(".m"); });
  if (says_dora || has_magnitudes) {
    return "it is DoRA, which rescales the merged weights: revlora cannot merge that; merge it by "
           "mlx_lm.fuse";
  }
  if (type == config.end() || *type == "lora") return "";
  if (*type == "full") {
    return "it is no adapter, but all trained weights (\"fine_tune_type\": \"full\"): mlx_lm.fuse "
           "makes a model of them";
  }
  return "its \"fine_tune_type\" is one that revlora does not know: only \"lora\" can be merged";
}

}  // namespace

bool is_mlx_adapter(const fs::path& path) {
  const mlx_place where = place_of(path);
  const auto config = try_to_read_config(where.home);
  if (!config) {
    return has_tensor(where.home / where.factors,
                      [](std::string_view name) { return name.ends_with(".lora_a"); });
  }
  if (config->contains("peft_type")) return false;
  return config->contains("fine_tune_type") || config->contains("lora_parameters");
}

stored_adapter read_mlx_adapter(const fs::path& path) {
  const mlx_place where = place_of(path);
  adapter_files files{folder(where.home)};
  if (!files.home().find(where.factors, folder::links::followed)) {
    throw problem(quoted(files.home().path()) +
                  " has the configuration of an mlx-lm adapter, but no " + quoted(where.factors));
  }
  if (!files.home().find(config_name, folder::links::followed)) {
    throw problem(quoted(files.home().path()) + " has an mlx-lm adapter, but no " + config_name +
                  " of mlx-lm, which says its scale");
  }
  const std::size_t number = files.open(where.factors);
  const std::vector<tensor> tensors = read_tensor_table(files.at(number));
  const std::string source = quoted(files.at(number).path());
  const file& fields = files.at(files.open(config_name));
  const std::string config_source = quoted(fields.path());
  const json config = parse_object(fields.read_text(), config_source);

  stored_adapter adapter{.path = files.home().path(),
                         .description = "mlx-lm LoRA",
                         .facts = facts_of(config),
                         .files = std::move(files)};
  if (where.factors != "adapters.safetensors") adapter.path /= where.factors;
  adapter.refused = why_refused(config, tensors);
  if (adapter.refused.empty()) {
    add_updates(adapter, tensors, scale_in(config, config_source), source);
  }
  return adapter;
}

}  // namespace revlora::tool
