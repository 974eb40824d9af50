// Wan, LTX and Z-Image: the names of those who published them, and those of diffusers.
#include "plan/families.hpp"

namespace revlora::tool {

namespace {

constexpr name_pattern wan[] = {
    {"blocks.*.self_attn.q", {"blocks.*.attn1.to_q"}},
    {"blocks.*.self_attn.k", {"blocks.*.attn1.to_k"}},
    {"blocks.*.self_attn.v", {"blocks.*.attn1.to_v"}},
    {"blocks.*.self_attn.o", {"blocks.*.attn1.to_out.0"}},
    {"blocks.*.cross_attn.q", {"blocks.*.attn2.to_q"}},
    {"blocks.*.cross_attn.k", {"blocks.*.attn2.to_k"}},
    {"blocks.*.cross_attn.v", {"blocks.*.attn2.to_v"}},
    {"blocks.*.cross_attn.o", {"blocks.*.attn2.to_out.0"}},
    {"blocks.*.cross_attn.k_img", {"blocks.*.attn2.add_k_proj"}},
    {"blocks.*.cross_attn.v_img", {"blocks.*.attn2.add_v_proj"}},
    {"blocks.*.ffn.0", {"blocks.*.ffn.net.0.proj"}},
    {"blocks.*.ffn.2", {"blocks.*.ffn.net.2"}},
    {"text_embedding.0", {"condition_embedder.text_embedder.linear_1"}},
    {"text_embedding.2", {"condition_embedder.text_embedder.linear_2"}},
    {"time_embedding.0", {"condition_embedder.time_embedder.linear_1"}},
    {"time_embedding.2", {"condition_embedder.time_embedder.linear_2"}},
    {"time_projection.1", {"condition_embedder.time_proj"}},
    {"img_emb.proj.1", {"condition_embedder.image_embedder.ff.net.0.proj"}},
    {"img_emb.proj.3", {"condition_embedder.image_embedder.ff.net.2"}},
    {"head.head", {"proj_out"}}};

// Blocks are named alike.
constexpr name_pattern ltx[] = {
    {"patchify_proj", {"proj_in"}},
    {"adaln_single.linear", {"time_embed.linear"}},
    {"adaln_single.emb.timestep_embedder.linear_1", {"time_embed.emb.timestep_embedder.linear_1"}},
    {"adaln_single.emb.timestep_embedder.linear_2", {"time_embed.emb.timestep_embedder.linear_2"}}};

// Its fused qkv is found as everybody's.
constexpr name_pattern z_image[] = {
    {"layers.*.attention.out", {"layers.*.attention.to_out.0"}},
    {"noise_refiner.*.attention.out", {"noise_refiner.*.attention.to_out.0"}},
    {"context_refiner.*.attention.out", {"context_refiner.*.attention.to_out.0"}}};

}  // namespace

const std::vector<name_patterns>& video_names() {
  static const std::vector<name_patterns> families = {
      {wan, "between the names of Wan's authors and of diffusers"},
      {ltx, "between the names of LTX's authors and of diffusers"},
      {z_image, "between the names of Z-Image's authors and of diffusers"}};
  return families;
}

}  // namespace revlora::tool
