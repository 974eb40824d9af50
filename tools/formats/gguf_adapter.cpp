#include "formats/gguf_adapter.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"
#include "formats/adapter_path.hpp"
#include "formats/factor_pairs.hpp"
#include "safetensors/gguf_header.hpp"

namespace revlora::tool {

namespace {

/// llama.cpp divides by the rank that B has, and takes no alpha for the rank.
double scale_of(const gguf_file& header, std::uint64_t rank) {
  const auto found = header.metadata.find("adapter.lora.alpha");
  const auto* const alpha =
      found == header.metadata.end() ? nullptr : std::get_if<double>(&found->second);
  return alpha == nullptr || *alpha == 0 ? 1 : *alpha / static_cast<double>(rank);
}

/// One update; of a stack of experts, `[experts, …]` in B and perhaps in A, one of each.
std::vector<low_rank_update> updates_of(const std::string& name, const factor_pair& pair,
                                        const gguf_file& header, const std::string& source) {
  const auto& a = pair.a->shape;
  const auto& b = pair.b->shape;
  if (a.size() < 2 || b.size() < 2 || a.size() > 3 || b.size() > 3) {
    refuse_shapes(pair, name, source);
  }
  const std::uint64_t rank = b.back();
  low_rank_update update;
  update.scale = scale_of(header, rank);
  if (name == "token_embd.weight") {
    // Its rows are looked up in A, which is therefore stored transposed.
    if (a.size() != 2 || b.size() != 2 || a[1] != rank) refuse_shapes(pair, name, source);
    update.kind = layer_kind::embedding;
    update.shape = {a[0], b[0]};
    update.b = rows_of(0, *pair.a);
    update.a = rows_of(0, *pair.b).transposed();
    return {update};
  }
  const std::uint64_t experts = b.size() == 3 ? b[0] : 1;
  const std::uint64_t experts_of_a = a.size() == 3 ? a[0] : 1;
  const bool fits = experts_of_a == 1 || experts_of_a == experts;
  if (a[a.size() - 2] != rank || !fits) refuse_shapes(pair, name, source);
  update.b = rows_of(0, *pair.b);
  update.a = rows_of(0, *pair.a);
  if (b.size() == 3) return updates_of_experts(update, experts);
  update.shape = {b[0], a.back()};
  return {update};
}

/// What llama.cpp's converter writes besides the types that revlora merges.
std::string why_refused(const gguf_file& header) {
  const std::string type = header.text("adapter.type");
  if (type != "lora") return "it is an adapter of the type " + quoted(type) + ", not of lora";
  if (header.metadata.contains("adapter.alora.invocation_tokens")) {
    return "it is aLoRA, which takes effect only after certain words: it cannot be merged";
  }
  for (const tensor& each : header.tensors) {
    if (each.type()) continue;
    return "its tensor " + quoted(each.name) + " is of type " + each.dtype +
           ": only F32, F16 and BF16 can be merged; convert the adapter again with --outtype f16";
  }
  return "";
}

void add_updates(stored_adapter& adapter, const gguf_file& header, const std::string& source) {
  unused_tensors unused;
  std::vector<tensor> factors;
  for (const tensor& each : header.tensors) {
    if (each.name.ends_with("_norm.weight")) {
      unused.add(each, "a trained norm, which llama.cpp leaves out, too");
    } else {
      factors.push_back(each);
    }
  }
  for (const auto& [name, pair] : factor_pairs(factors, source, unused)) {
    constexpr std::string_view weight = ".weight";
    const bool is_weight = name.ends_with(weight);
    const std::string module = is_weight ? name.substr(0, name.size() - weight.size()) : name;
    auto updates = updates_of(name, pair, header, source);
    if (updates.empty()) refuse_shapes(pair, name, source);
    for (low_rank_update& update : updates) {
      adapter.updates.push_back(
          {.module = module, .parameter = is_weight ? "weight" : "", .content = std::move(update)});
    }
  }
  adapter.unused = unused.finish();
}

}  // namespace

bool is_gguf_adapter(const std::filesystem::path& path) {
  const auto opened = try_to_open(path);
  if (!opened || !begins_like_gguf(opened->read_start(4))) return false;
  try {
    return read_gguf(*opened).text("general.type") == "adapter";
  } catch (const problem&) {
    return false;
  }
}

stored_adapter read_gguf_adapter(const std::filesystem::path& path) {
  place file_at(path);
  std::filesystem::path absolute = file_at.path();
  adapter_files files(std::move(file_at.in));
  const file& opened = files.at(files.open(file_at.name));
  const gguf_file header = read_gguf(opened);
  stored_adapter adapter{.path = std::move(absolute),
                         .description = "llama.cpp LoRA (GGUF)",
                         .refused = why_refused(header),
                         .files = std::move(files),
                         .architecture = header.text("general.architecture")};
  for (const char* const key :
       {"general.architecture", "general.name", "general.base_model.0.name"}) {
    if (const std::string value = header.text(key); !value.empty()) {
      adapter.facts.emplace_back(key, value);
    }
  }
  if (adapter.refused.empty()) add_updates(adapter, header, quoted(adapter.path));
  return adapter;
}

}  // namespace revlora::tool
