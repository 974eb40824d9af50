// Text encoders inside single files of diffusion models: where each is, and OpenCLIP's names for
// what transformers calls otherwise.
#include <array>
#include <optional>

#include "plan/families.hpp"

namespace revlora::tool {

namespace {

constexpr const char* rule = "between a text encoder inside a single file and one of its own";

struct inside {
  std::string_view prefix;
  std::string_view
      component;  ///< none where it is the second of one pipeline, the third of another
};

constexpr std::array<inside, 5> named_by_transformers = {
    {{"cond_stage_model.transformer.", "text_encoder"},
     {"conditioner.embedders.0.transformer.", "text_encoder"},
     {"text_encoders.clip_l.transformer.", "text_encoder"},
     {"text_encoders.clip_g.transformer.", "text_encoder_2"},
     {"text_encoders.t5xxl.transformer.", ""}}};

constexpr std::array<inside, 2> named_by_open_clip = {
    {{"cond_stage_model.model.", "text_encoder"},
     {"conditioner.embedders.1.model.", "text_encoder_2"}}};

constexpr name_pattern open_clip[] = {
    {"transformer.resblocks.*.ln_1", {"text_model.encoder.layers.*.layer_norm1"}},
    {"transformer.resblocks.*.ln_2", {"text_model.encoder.layers.*.layer_norm2"}},
    {"transformer.resblocks.*.mlp.c_fc", {"text_model.encoder.layers.*.mlp.fc1"}},
    {"transformer.resblocks.*.mlp.c_proj", {"text_model.encoder.layers.*.mlp.fc2"}},
    {"transformer.resblocks.*.attn.out_proj", {"text_model.encoder.layers.*.self_attn.out_proj"}},
    // The weight of torch's MultiheadAttention is a parameter of the module itself.
    {"transformer.resblocks.*.attn.in_proj",
     {"text_model.encoder.layers.*.self_attn.q_proj",
      "text_model.encoder.layers.*.self_attn.k_proj",
      "text_model.encoder.layers.*.self_attn.v_proj"},
     row_layout::equal_parts},
    {"token_embedding", {"text_model.embeddings.token_embedding"}},
    {"ln_final", {"text_model.final_layer_norm"}}};

}  // namespace

std::vector<other_name> text_encoder_names(const std::string& name) {
  static const name_patterns patterns(open_clip, rule);
  for (const inside& each : named_by_transformers) {
    if (!name.starts_with(each.prefix)) continue;
    return {{std::string(each.component), name.substr(each.prefix.size()), {}, false, rule}};
  }
  for (const inside& each : named_by_open_clip) {
    if (!name.starts_with(each.prefix)) continue;
    std::string within = name.substr(each.prefix.size());
    constexpr std::string_view bare = ".in_proj_weight";
    if (within.ends_with(bare))
      within.replace(within.size() - bare.size(), bare.size(), ".in_proj.weight");
    auto names = patterns.other_names(within);
    for (other_name& other : names) other.component = each.component;
    return names;
  }
  return {};
}

}  // namespace revlora::tool
