// The names of tensors in PEFT's files, taken apart from the end.
#include "formats/peft_names.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

peft_name parse(const std::string& name) {
  return parse_peft_name(name, "file");
}

void expect(const std::string& name, peft_part part, const std::string& module,
            const std::string& parameter = "") {
  const peft_name parsed = parse(name);
  EXPECT_EQ(parsed.part, part) << name;
  EXPECT_EQ(parsed.module, module) << name;
  EXPECT_EQ(parsed.parameter, parameter) << name;
}

TEST(PeftNames, Factors) {
  expect("base_model.model.m.lora_A.weight", peft_part::a, "m");
  expect("base_model.model.m.lora_B.weight", peft_part::b, "m");
  expect("base_model.model.m.lora_B.bias", peft_part::b_bias, "m");
  expect("base_model.model.m.lora_embedding_A", peft_part::embedding_a, "m");
  expect("base_model.model.m.lora_embedding_B", peft_part::embedding_b, "m");
  expect("base_model.model.m.lora_B.lora_A.weight", peft_part::a, "m.lora_B");
  expect("base_model.model.m.lora_magnitude_vector", peft_part::magnitude, "m");
  expect("base_model.model.m.lora_velora_embed", peft_part::needless, "m");
}

TEST(PeftNames, TheAdaptersOwnNameMayBeThere) {
  expect("base_model.model.m.lora_A.default.weight", peft_part::a, "m");
  expect("base_model.model.m.lora_B.other.bias", peft_part::b_bias, "m");
  expect("base_model.model.m.lora_embedding_A.default", peft_part::embedding_a, "m");
  expect("base_model.model.m.lora_embedding_A.weight", peft_part::embedding_a, "m");
  expect("base_model.model.m.lora_magnitude_vector.default.weight", peft_part::magnitude, "m");
  expect("base_model.model.m.token_adapter.trainable_tokens_delta.default", peft_part::tokens, "m",
         "weight");
  expect("base_model.model.m.modules_to_save.default.weight", peft_part::saved, "m", "weight");
}

TEST(PeftNames, PrefixesAndWrappersGo) {
  expect("m.lora_A.weight", peft_part::a, "m");
  expect("model.m.lora_A.weight", peft_part::a, "model.m");
  expect("base_model.model.model.m.lora_A.weight", peft_part::a, "model.m");
  expect("module.base_model.model.m.lora_A.weight", peft_part::a, "m");
  expect("base_model.model.base_model.model.m.lora_A.weight", peft_part::a, "m");
  expect("module.m.lora_A.weight", peft_part::a, "module.m");
  expect("base_model.model._orig_mod.layers.0._orig_mod.q.lora_A.weight", peft_part::a,
         "layers.0.q");
  expect("_orig_mod.base_model.model.m.lora_A.weight", peft_part::a, "m");
  expect("base_model.model._fsdp_wrapped_module.m._checkpoint_wrapped_module.lora_B.weight",
         peft_part::b, "m");
}

TEST(PeftNames, TensorsOfTheModel) {
  expect("base_model.model.lm_head.weight", peft_part::tensor, "lm_head", "weight");
  expect("base_model.model.m.norm.running_mean", peft_part::tensor, "m.norm", "running_mean");
  expect("base_model.model.logit_scale", peft_part::tensor, "logit_scale", "");
  expect("base_model.model.m.base_layer.weight", peft_part::tensor, "m", "weight");
  expect("base_model.model.m.base_layer.out_proj.bias", peft_part::tensor, "m.out_proj", "bias");
  expect("base_model.model.m.token_adapter.base_layer.weight", peft_part::tensor, "m", "weight");
  expect("base_model.model.m.ln_tuning_layers.weight", peft_part::tensor, "m", "weight");
  expect("base_model.model.m.modules_to_save.weight", peft_part::saved, "m", "weight");
  expect("base_model.model.m.modules_to_save.dense.bias", peft_part::saved, "m.dense", "bias");
  expect("base_model.model.m.original_module.weight", peft_part::needless, "m", "weight");
  expect("base_model.model.m.trainable_tokens_delta", peft_part::tokens, "m", "weight");
  EXPECT_TRUE(parse("base_model.model.m.base_layer.weight").is_wrapped);
  EXPECT_FALSE(parse("base_model.model.m.weight").is_wrapped);
}

TEST(PeftNames, WrappedLayers) {
  expect("base_model.model.m.experts.base_layer.base_layer.lora_A.weight", peft_part::a,
         "m.experts");
  EXPECT_EQ(parse("base_model.model.m.base_layer.base_layer.lora_A.weight").depth, 2u);
  EXPECT_EQ(parse("base_model.model.m.lora_A.weight").depth, 0u);
  expect("base_model.model.attn.base_layer.out_proj.lora_B.weight", peft_part::b, "attn.out_proj");
  EXPECT_TRUE(parse("base_model.model.attn.base_layer.out_proj.lora_B.weight").is_wrapped);
  EXPECT_FALSE(parse("base_model.model.attn.out_proj.lora_B.weight").is_wrapped);
}

TEST(PeftNames, WhatLooksLikeAFactorIsNotTakenForATensor) {
  for (const char* name : {"m.lora_A", "m.lora_A.x.y.weight", "m.lora_embedding_A.x.y", "m.lora_E",
                           "m.lora_diag", "m.lora_A.bias"}) {
    EXPECT_EQ(parse(name).part, peft_part::unknown) << name;
  }
}

TEST(PeftNames, RefusesWhatPeftDoesNotWrite) {
  for (const char* name :
       {"", ".", "lora_A.weight", ".lora_A.weight", "m.lora_A..weight", "m.lora_A.weight\n",
        "m\n.lora_A.weight", "m.lora_A\x1b.weight", "trainable_tokens_delta", "m.",
        "m.trainable_tokens_delta.x.y", "token_adapter.trainable_tokens_delta", "_orig_mod"}) {
    const std::string message = message_of([&] { parse(name); });
    EXPECT_NE(message.find("cannot merge it"), std::string::npos) << name << ": " << message;
    EXPECT_EQ(message.find_first_of("\n\x1b"), std::string::npos);
  }
}

}  // namespace
}  // namespace revlora::tool::test
