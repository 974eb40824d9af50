// diffusers' files of three generations, those of ComfyUI, ai-toolkit and DiffSynth, and where
// their scales come from.
#include "read_adapters.hpp"

namespace revlora::tool::test {
namespace {

class Diffusers : public testing::Test {
 protected:
  stored_adapter read(const std::vector<handmade_tensor>& tensors) {
    write(path, safetensors(tensors));
    return read_adapter(path);
  }

  /// The names that factors with these ends have.
  std::vector<std::string> names(const std::string& down, const std::string& up) {
    return names_of(read(ones_of({down, up})));
  }

  /// An adapter of one module of rank 2 with `lora_adapter_metadata`.
  stored_adapter read_with_metadata(std::string json, const std::string& module = "transformer.m") {
    for (std::size_t at = 0; (at = json.find('"', at)) != std::string::npos; at += 2) {
      json.insert(at, "\\");
    }
    write(path,
          safetensors(R"({"__metadata__":{"format":"pt","lora_adapter_metadata":")" + json +
                          R"("},")" + module + R"(.lora_A.weight":{"dtype":"F16","shape":[2,1],)" +
                          R"("data_offsets":[0,4]},")" + module +
                          R"(.lora_B.weight":{"dtype":"F16","shape":[1,2],)" +
                          R"("data_offsets":[4,8]}})",
                      std::string(8, '\0')));
    return read_adapter(path);
  }

  temporary_folder folder;
  const fs::path path = folder / "pytorch_lora_weights.safetensors";
};

TEST_F(Diffusers, SpellingsOfAllGenerations) {
  using list = std::vector<std::string>;
  EXPECT_EQ(names("unet.mid_block.attn1.processor.to_q_lora.down.weight",
                  "unet.mid_block.attn1.processor.to_q_lora.up.weight"),
            list{"unet: mid_block.attn1.to_q weight"});
  EXPECT_EQ(names("mid_block.attn1.processor.to_out_lora.down.weight",
                  "mid_block.attn1.processor.to_out_lora.up.weight"),
            list{": mid_block.attn1.to_out.0 weight"});
  EXPECT_EQ(names("unet.up_blocks.1.attn2.to_k.lora.down.weight",
                  "unet.up_blocks.1.attn2.to_k.lora.up.weight"),
            list{"unet: up_blocks.1.attn2.to_k weight"});
  EXPECT_EQ(names("text_encoder.text_model.self_attn.q_proj.lora_linear_layer.down.weight",
                  "text_encoder.text_model.self_attn.q_proj.lora_linear_layer.up.weight"),
            list{"text_encoder: text_model.self_attn.q_proj weight"});
  EXPECT_EQ(names("text_encoder.text_model.self_attn.to_v_lora.down.weight",
                  "text_encoder.text_model.self_attn.to_v_lora.up.weight"),
            list{"text_encoder: text_model.self_attn.v_proj weight"});
  EXPECT_EQ(names("text_encoder.text_model.self_attn.to_out_lora.down.weight",
                  "text_encoder.text_model.self_attn.to_out_lora.up.weight"),
            list{"text_encoder: text_model.self_attn.out_proj weight"});
  EXPECT_EQ(names("transformer.transformer_blocks.0.attn.to_q.lora_A.weight",
                  "transformer.transformer_blocks.0.attn.to_q.lora_B.weight"),
            list{"transformer: transformer_blocks.0.attn.to_q weight"});
  EXPECT_EQ(names("transformer.m.lora_A.default_0.weight", "transformer.m.lora_B.default_0.weight"),
            list{"transformer: m weight"});
}

TEST_F(Diffusers, PrefixesOfOtherTools) {
  for (const auto& [stem, name] : std::vector<std::pair<std::string, std::string>>{
           {"diffusion_model.double_blocks.0.img_attn.qkv",
            "unet: double_blocks.0.img_attn.qkv weight"},
           {"model.diffusion_model.m", "unet: m weight"},
           {"unet.base_model.model.m", "unet: m weight"},
           {"base_model.model.blocks.0.m", ": blocks.0.m weight"},
           {"blocks.0.self_attn.q", ": blocks.0.self_attn.q weight"},
           {"transformer_2.m", "transformer_2: m weight"},
           {"text_encoder_2.m", "text_encoder_2: m weight"},
           {"pipe.dit.blocks.0.m", "transformer: blocks.0.m weight"}}) {
    const stored_adapter adapter =
        read(ones_of({stem + ".lora_A.weight", stem + ".lora_B.weight"}));
    EXPECT_EQ(names_of(adapter), std::vector<std::string>{name});
    EXPECT_EQ(factors_of(adapter).scale, 1);
    EXPECT_EQ(adapter.refused, "");
    EXPECT_EQ(adapter.description, "diffusers LoRA");
  }
}

TEST_F(Diffusers, BareParametersAsMochiHasThem) {
  EXPECT_EQ(names("blocks.0.attn.qkv_x.lora_A", "blocks.0.attn.qkv_x.lora_B"),
            std::vector<std::string>{": blocks.0.attn.qkv_x weight"});
}

TEST_F(Diffusers, AlphaIsATensorOrInTheMetadata) {
  auto tensors = ones_of({"transformer.m.lora_A.weight", "transformer.m.lora_B.weight"});
  tensors.push_back({"transformer.m.alpha", {}, {3}});
  EXPECT_EQ(factors_of(read(tensors)).scale, 3);
  const auto scale = [&](const std::string& json, const std::string& module = "transformer.m") {
    return factors_of(read_with_metadata(json, module)).scale;
  };
  EXPECT_EQ(scale(R"({"transformer.r":2,"transformer.lora_alpha":8})"), 4);
  EXPECT_EQ(scale(R"({"r":2,"lora_alpha":8})"), 4);
  EXPECT_EQ(scale(R"({"text_encoder.r":2,"text_encoder.lora_alpha":8})"), 1);
  EXPECT_EQ(scale(R"({"transformer.r":4,"transformer.lora_alpha":8,)"
                  R"("transformer.rank_pattern":{"m":2},"transformer.alpha_pattern":{"^m":1}})"),
            0.5);
  EXPECT_EQ(scale(R"({"r":2,"lora_alpha":8})", "layers.0.attention.to_q"), 4);
  expect_part(message_of([&] { scale(R"({"transformer.r":4,"transformer.lora_alpha":8})"); }),
              "has rank 2, but its configuration says 4");
  expect_part(message_of([&] { scale("{"); }), "lora_adapter_metadata");
  expect_part(read_with_metadata(R"({"r":2,"use_dora":true})", "transformer.m").refused,
              "use_dora");
}

TEST_F(Diffusers, VariantsThatTheMetadataTellAreRefused) {
  const stored_adapter adapter = read_with_metadata(
      R"({"transformer.r":2,"transformer.lora_alpha":8,"transformer.init_lora_weights":"pissa"})");
  expect_part(adapter.refused, "init_lora_weights");
  EXPECT_EQ(adapter.updates.size(), 1u);
}

TEST_F(Diffusers, NamesOfLanguageModelsWithoutAlphaAreRefused) {
  for (const std::string stem :
       {"base_model.model.model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.q_proj",
        "transformer.h.0.attn.c_attn"}) {
    auto tensors = ones_of({stem + ".lora_A.weight", stem + ".lora_B.weight"});
    const stored_adapter adapter = read(tensors);
    expect_part(adapter.refused, "does not say its strength");
    EXPECT_EQ(adapter.updates.size(), 1u);
    EXPECT_EQ(adapter.updates[0].component, "");
    tensors.push_back({stem + ".alpha", {}, {2}});
    EXPECT_EQ(read(tensors).refused, "");
  }
}

TEST_F(Diffusers, BiasesOfFactors) {
  auto tensors = ones_of({"transformer.m.lora_A.weight", "transformer.m.lora_B.weight"});
  tensors.push_back({"transformer.m.lora_B.bias", {1}, {5}});
  tensors.push_back({"transformer.m.alpha", {}, {3}});
  const stored_adapter adapter = read(tensors);
  EXPECT_EQ(names_of(adapter),
            (std::vector<std::string>{"transformer: m bias", "transformer: m weight"}));
  EXPECT_EQ(std::get<difference_update>(adapter.updates[0].content).scale, 3);
  expect_part(message_of([&] { read({{"unet.m.lora_B.bias", {1}, {5}}}); }), "but no factors");
}

TEST_F(Diffusers, FoldersAreReadByTheFileThatDiffusersWrites) {
  read(ones_of({"unet.m.lora.down.weight", "unet.m.lora.up.weight"}));
  write(folder / "other.safetensors", safetensors(ones_of({"x.lora.down.weight"})));
  EXPECT_TRUE(is_adapter(folder.path()));
  EXPECT_EQ(read_adapter(folder.path()).path, path);
}

}  // namespace
}  // namespace revlora::tool::test
