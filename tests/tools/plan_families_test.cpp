// Diffusion models whose authors name them one way, and diffusers another.
#include "handmade_plan.hpp"
#include "plan/families.hpp"

namespace revlora::tool::test {
namespace {

std::vector<std::string> others_of(const std::string& name) {
  std::vector<std::string> all;
  for (const other_name& each : names_in_other_tools(name)) all.push_back(each.name);
  return all;
}

TEST(Families, TheUnetBothWays) {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"input_blocks.1.1.transformer_blocks.0.attn1.to_q",
       "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"},
      {"input_blocks.8.1.proj_in", "down_blocks.2.attentions.1.proj_in"},
      {"input_blocks.4.0.in_layers.2", "down_blocks.1.resnets.0.conv1"},
      {"input_blocks.5.0.emb_layers.1", "down_blocks.1.resnets.1.time_emb_proj"},
      {"input_blocks.3.0.op", "down_blocks.0.downsamplers.0.conv"},
      {"input_blocks.6.0.op", "down_blocks.1.downsamplers.0.conv"},
      {"middle_block.0.out_layers.3", "mid_block.resnets.0.conv2"},
      {"middle_block.1.proj_out", "mid_block.attentions.0.proj_out"},
      {"middle_block.2.in_layers.0", "mid_block.resnets.1.norm1"},
      {"output_blocks.3.1.proj_in", "up_blocks.1.attentions.0.proj_in"},
      {"output_blocks.11.0.skip_connection", "up_blocks.3.resnets.2.conv_shortcut"},
      {"time_embed.2", "time_embedding.linear_2"},
      {"label_emb.0.0", "add_embedding.linear_1"},
      {"out.2", "conv_out"}};
  for (const auto& [ldm, diffusers] : pairs) {
    EXPECT_EQ(others_of("model.diffusion_model." + ldm + ".weight"),
              std::vector{diffusers + ".weight"});
    EXPECT_EQ(others_of(diffusers + ".weight"), std::vector{ldm + ".weight"});
  }
  EXPECT_EQ(others_of("output_blocks.2.1.conv.weight"),
            std::vector{std::string("up_blocks.0.upsamplers.0.conv.weight")});
  EXPECT_EQ(others_of("output_blocks.5.2.conv.weight"),
            std::vector{std::string("up_blocks.1.upsamplers.0.conv.weight")});
  EXPECT_EQ(
      others_of("up_blocks.1.upsamplers.0.conv.weight"),
      (std::vector<std::string>{"output_blocks.5.1.conv.weight", "output_blocks.5.2.conv.weight"}));
}

TEST(Families, NamesThatOnlyLookAlikeHaveNoOthers) {
  for (const char* name : {"weight", "input_blocks.x.1.proj_in.weight", "input_blocks.1.1", "",
                           "double_blocks.x.img_mlp.0.weight", "double_blocks.0.img_mlp.1.weight",
                           "model.layers.0.self_attn.o_proj.weight", "mid_block.attentions.0.x",
                           "input_blocks.99999999999999999999.1.proj_in.weight"}) {
    for (const std::string& other : others_of(name))
      EXPECT_EQ(other.find("weight.weight"), other.npos);
  }
  EXPECT_TRUE(others_of("double_blocks.0.img_mlp.1.weight").empty());
  EXPECT_TRUE(others_of("model.layers.0.self_attn.o_proj.weight").empty());
}

class FamiliesOfModels : public Plan {
 protected:
  void underscored(const std::string& component) {
    updates_.back().spelling = module_spelling::underscored;
    updates_.back().component = component;
  }
  static std::vector<double> rows(const std::vector<double>& d, std::size_t from,
                                  std::size_t count) {
    return {d.begin() + static_cast<std::ptrdiff_t>(from),
            d.begin() + static_cast<std::ptrdiff_t>(from + count)};
  }
};

TEST_F(FamiliesOfModels, KohyasNamesOfDiffusersOnASingleFile) {
  const std::string to_q = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q";
  const std::string te =
      "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.q_proj";
  make_model({{to_q + ".weight", {3, 2}}, {te + ".weight", {3, 2}}});
  const auto d = add_linear("down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", 3, 2);
  underscored("unet");
  const auto t = add_linear("text_model_encoder_layers_0_self_attn_q_proj", 3, 2);
  underscored("text_encoder");
  const auto all = changes();
  EXPECT_EQ(all.at(to_q + ".weight"), d);
  EXPECT_EQ(all.at(te + ".weight"), t);
}

TEST_F(FamiliesOfModels, BothTextEncodersOfXl) {
  const std::string one =
      "conditioner.embedders.0.transformer.text_model.encoder.layers.0.self_attn.";
  const std::string two =
      "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight";
  make_model({{one + "q_proj.weight", {2, 3}},
              {one + "k_proj.weight", {2, 3}},
              {two, {6, 3}},
              {"model.diffusion_model.input_blocks.4.1.proj_in.weight", {4, 2}}});
  const auto first = add_linear("text_model_encoder_layers_0_self_attn_k_proj", 2, 3);
  underscored("text_encoder");
  const auto second = add_linear("text_model_encoder_layers_0_self_attn_k_proj", 2, 3);
  underscored("text_encoder_2");
  const auto unet = add_linear("input_blocks_4_1_proj_in", 4, 2);
  underscored("unet");
  const auto all = changes();
  EXPECT_EQ(all.at(one + "k_proj.weight"), first);
  EXPECT_EQ(rows(all.at(two), 6, 6), second);
  EXPECT_EQ(all.at("model.diffusion_model.input_blocks.4.1.proj_in.weight"), unet);
}

TEST_F(FamiliesOfModels, AnEncoderThatIsNotSaidIsRefusedIfThereAreTwo) {
  const std::string one =
      "text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.weight";
  const std::string two =
      "text_encoders.clip_g.transformer.text_model.encoder.layers.0.mlp.fc1.weight";
  make_model({{one, {3, 2}}, {two, {3, 2}}});
  add_linear("text_model.encoder.layers.0.mlp.fc1", 3, 2);
  EXPECT_NE(refusal().find("several tensors"), std::string::npos);
}

TEST_F(FamiliesOfModels, FluxSplitOntoFused) {
  make_model({{"double_blocks.0.img_attn.qkv.weight", {6, 3}},
              {"single_blocks.0.linear1.weight", {14, 2}}});
  const auto k = add_linear("transformer_blocks.0.attn.to_k", 2, 3);
  updates_.back().component = "transformer";
  const auto v = add_linear("single_transformer_blocks.0.attn.to_v", 2, 2);
  const auto mlp = add_linear("single_transformer_blocks.0.proj_mlp", 8, 2);
  const auto all = changes();
  EXPECT_EQ(rows(all.at("double_blocks.0.img_attn.qkv.weight"), 6, 6), k);
  EXPECT_EQ(rows(all.at("single_blocks.0.linear1.weight"), 8, 4), v);
  EXPECT_EQ(rows(all.at("single_blocks.0.linear1.weight"), 12, 16), mlp);
}

TEST_F(FamiliesOfModels, FluxFusedOntoSplit) {
  const std::string at = "single_transformer_blocks.0.";
  make_model({{at + "attn.to_q.weight", {2, 2}},
              {at + "attn.to_k.weight", {2, 2}},
              {at + "attn.to_v.weight", {2, 2}},
              {at + "proj_mlp.weight", {8, 2}},
              {"transformer_blocks.0.ff.net.0.proj.weight", {5, 2}}});
  const auto d = add_linear("single_blocks_0_linear1", 14, 2);
  underscored("unet");
  const auto ff = add_linear("double_blocks_0_img_mlp_0", 5, 2);
  underscored("unet");
  const auto all = changes();
  EXPECT_EQ(all.at(at + "attn.to_q.weight"), rows(d, 0, 4));
  EXPECT_EQ(all.at(at + "attn.to_v.weight"), rows(d, 8, 4));
  EXPECT_EQ(all.at(at + "proj_mlp.weight"), rows(d, 12, 16));
  EXPECT_EQ(all.at("transformer_blocks.0.ff.net.0.proj.weight"), ff);
}

TEST_F(FamiliesOfModels, WanAndHunyuanAndStableDiffusion3) {
  make_model({{"model.diffusion_model.blocks.0.cross_attn.o.weight", {3, 2}},
              {"model.diffusion_model.double_blocks.0.txt_attn_proj.weight", {4, 2}},
              {"model.diffusion_model.joint_blocks.0.context_block.attn.qkv.weight", {6, 3}}});
  const auto o = add_linear("blocks.0.attn2.to_out.0", 3, 2);
  const auto proj = add_linear("transformer_blocks.0.attn.to_add_out", 4, 2);
  const auto v = add_linear("transformer_blocks.0.attn.add_v_proj", 2, 3);
  const auto all = changes();
  EXPECT_EQ(all.at("model.diffusion_model.blocks.0.cross_attn.o.weight"), o);
  EXPECT_EQ(all.at("model.diffusion_model.double_blocks.0.txt_attn_proj.weight"), proj);
  EXPECT_EQ(
      rows(all.at("model.diffusion_model.joint_blocks.0.context_block.attn.qkv.weight"), 12, 6), v);
}

}  // namespace
}  // namespace revlora::tool::test
