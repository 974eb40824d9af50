// FLUX, FLUX.2, HunyuanVideo and Stable Diffusion 3: the names of those who published them, which
// ComfyUI and kohya's scripts keep, and those of diffusers.
#include "plan/families.hpp"

namespace revlora::tool {

namespace {

constexpr row_layout thirds = row_layout::equal_parts;
constexpr row_layout with_mlp = row_layout::attention_and_mlp;

constexpr name_pattern flux[] = {
    {"double_blocks.*.img_attn.qkv",
     {"transformer_blocks.*.attn.to_q", "transformer_blocks.*.attn.to_k",
      "transformer_blocks.*.attn.to_v"},
     thirds},
    {"double_blocks.*.txt_attn.qkv",
     {"transformer_blocks.*.attn.add_q_proj", "transformer_blocks.*.attn.add_k_proj",
      "transformer_blocks.*.attn.add_v_proj"},
     thirds},
    {"double_blocks.*.img_attn.proj", {"transformer_blocks.*.attn.to_out.0"}},
    {"double_blocks.*.txt_attn.proj", {"transformer_blocks.*.attn.to_add_out"}},
    {"double_blocks.*.img_mlp.0", {"transformer_blocks.*.ff.net.0.proj"}},
    {"double_blocks.*.img_mlp.2", {"transformer_blocks.*.ff.net.2"}},
    {"double_blocks.*.txt_mlp.0", {"transformer_blocks.*.ff_context.net.0.proj"}},
    {"double_blocks.*.txt_mlp.2", {"transformer_blocks.*.ff_context.net.2"}},
    {"double_blocks.*.img_mod.lin", {"transformer_blocks.*.norm1.linear"}},
    {"double_blocks.*.txt_mod.lin", {"transformer_blocks.*.norm1_context.linear"}},
    {"single_blocks.*.linear1",
     {"single_transformer_blocks.*.attn.to_q", "single_transformer_blocks.*.attn.to_k",
      "single_transformer_blocks.*.attn.to_v", "single_transformer_blocks.*.proj_mlp"},
     with_mlp},
    {"single_blocks.*.linear2", {"single_transformer_blocks.*.proj_out"}},
    {"single_blocks.*.modulation.lin", {"single_transformer_blocks.*.norm.linear"}},
    {"img_in", {"x_embedder"}},
    {"txt_in", {"context_embedder"}},
    {"time_in.in_layer", {"time_text_embed.timestep_embedder.linear_1"}},
    {"time_in.out_layer", {"time_text_embed.timestep_embedder.linear_2"}},
    {"vector_in.in_layer", {"time_text_embed.text_embedder.linear_1"}},
    {"vector_in.out_layer", {"time_text_embed.text_embedder.linear_2"}},
    {"guidance_in.in_layer", {"time_text_embed.guidance_embedder.linear_1"}},
    {"guidance_in.out_layer", {"time_text_embed.guidance_embedder.linear_2"}},
    {"final_layer.linear", {"proj_out"}},
    // FLUX.2: attention and feed-forward of a single block stay one.
    {"double_blocks.*.img_mlp.0", {"transformer_blocks.*.ff.linear_in"}},
    {"double_blocks.*.img_mlp.2", {"transformer_blocks.*.ff.linear_out"}},
    {"double_blocks.*.txt_mlp.0", {"transformer_blocks.*.ff_context.linear_in"}},
    {"double_blocks.*.txt_mlp.2", {"transformer_blocks.*.ff_context.linear_out"}},
    {"single_blocks.*.linear1", {"single_transformer_blocks.*.attn.to_qkv_mlp_proj"}},
    {"single_blocks.*.linear2", {"single_transformer_blocks.*.attn.to_out"}},
    {"double_stream_modulation_img.lin", {"double_stream_modulation_img.linear"}},
    {"double_stream_modulation_txt.lin", {"double_stream_modulation_txt.linear"}},
    {"single_stream_modulation.lin", {"single_stream_modulation.linear"}}};

// ComfyUI's names of HunyuanVideo are FLUX's; these are Tencent's.
constexpr name_pattern hunyuan_video[] = {
    {"double_blocks.*.img_attn_qkv",
     {"transformer_blocks.*.attn.to_q", "transformer_blocks.*.attn.to_k",
      "transformer_blocks.*.attn.to_v"},
     thirds},
    {"double_blocks.*.txt_attn_qkv",
     {"transformer_blocks.*.attn.add_q_proj", "transformer_blocks.*.attn.add_k_proj",
      "transformer_blocks.*.attn.add_v_proj"},
     thirds},
    {"double_blocks.*.img_attn_proj", {"transformer_blocks.*.attn.to_out.0"}},
    {"double_blocks.*.txt_attn_proj", {"transformer_blocks.*.attn.to_add_out"}},
    {"double_blocks.*.img_mlp.fc1", {"transformer_blocks.*.ff.net.0.proj"}},
    {"double_blocks.*.img_mlp.fc2", {"transformer_blocks.*.ff.net.2"}},
    {"double_blocks.*.txt_mlp.fc1", {"transformer_blocks.*.ff_context.net.0.proj"}},
    {"double_blocks.*.txt_mlp.fc2", {"transformer_blocks.*.ff_context.net.2"}},
    {"double_blocks.*.img_mod.linear", {"transformer_blocks.*.norm1.linear"}},
    {"double_blocks.*.txt_mod.linear", {"transformer_blocks.*.norm1_context.linear"}},
    {"single_blocks.*.modulation.linear", {"single_transformer_blocks.*.norm.linear"}}};

// Diffusers keeps scale and shift of the last context block in another order: no adaLN of those.
constexpr name_pattern stable_diffusion_3[] = {
    {"joint_blocks.*.x_block.attn.qkv",
     {"transformer_blocks.*.attn.to_q", "transformer_blocks.*.attn.to_k",
      "transformer_blocks.*.attn.to_v"},
     thirds},
    {"joint_blocks.*.x_block.attn2.qkv",
     {"transformer_blocks.*.attn2.to_q", "transformer_blocks.*.attn2.to_k",
      "transformer_blocks.*.attn2.to_v"},
     thirds},
    {"joint_blocks.*.context_block.attn.qkv",
     {"transformer_blocks.*.attn.add_q_proj", "transformer_blocks.*.attn.add_k_proj",
      "transformer_blocks.*.attn.add_v_proj"},
     thirds},
    {"joint_blocks.*.x_block.attn.proj", {"transformer_blocks.*.attn.to_out.0"}},
    {"joint_blocks.*.x_block.attn2.proj", {"transformer_blocks.*.attn2.to_out.0"}},
    {"joint_blocks.*.context_block.attn.proj", {"transformer_blocks.*.attn.to_add_out"}},
    {"joint_blocks.*.x_block.mlp.fc1", {"transformer_blocks.*.ff.net.0.proj"}},
    {"joint_blocks.*.x_block.mlp.fc2", {"transformer_blocks.*.ff.net.2"}},
    {"joint_blocks.*.context_block.mlp.fc1", {"transformer_blocks.*.ff_context.net.0.proj"}},
    {"joint_blocks.*.context_block.mlp.fc2", {"transformer_blocks.*.ff_context.net.2"}},
    {"joint_blocks.*.x_block.adaLN_modulation.1", {"transformer_blocks.*.norm1.linear"}},
    {"x_embedder.proj", {"pos_embed.proj"}},
    {"t_embedder.mlp.0", {"time_text_embed.timestep_embedder.linear_1"}},
    {"t_embedder.mlp.2", {"time_text_embed.timestep_embedder.linear_2"}},
    {"y_embedder.mlp.0", {"time_text_embed.text_embedder.linear_1"}},
    {"y_embedder.mlp.2", {"time_text_embed.text_embedder.linear_2"}}};

}  // namespace

const std::vector<name_patterns>& flux_names() {
  static const std::vector<name_patterns> families = {
      {flux, "between the names of FLUX's authors and of diffusers"},
      {hunyuan_video, "between the names of HunyuanVideo's authors and of diffusers"},
      {stable_diffusion_3, "between the names of Stable Diffusion 3's authors and of diffusers"}};
  return families;
}

}  // namespace revlora::tool
