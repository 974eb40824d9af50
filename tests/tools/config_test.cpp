// The configuration: strengths as PEFT computes them, and refusals of all that would be merged
// wrongly.
#include <cmath>

#include "formats/peft_config.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

peft_config config(const std::string& fields) {
  return {R"({"peft_type": "LORA")" + fields + "}", "config"};
}

TEST(Config, ScaleIsAlphaOverRank) {
  EXPECT_EQ(config("").scale_of("m"), 1.0);
  EXPECT_EQ(config("").rank_of("m"), 8);
  EXPECT_EQ(config(R"(,"r": 6, "lora_alpha": 9)").scale_of("m"), 1.5);
  EXPECT_EQ(config(R"(,"r": 3, "lora_alpha": 0.1)").scale_of("m"), 0.1 / 3);
  EXPECT_EQ(config(R"(,"r": 32, "lora_alpha": 16, "use_rslora": true)").scale_of("m"),
            16 / std::sqrt(32.0));
}

TEST(Config, PatternsAreLookedUpIndependently) {
  const auto c =
      config(R"(,"r": 4, "lora_alpha": 8, "rank_pattern": {"q": 2}, "alpha_pattern": {"k": 3})");
  EXPECT_EQ(c.scale_of("a.q"), 4.0);
  EXPECT_EQ(c.scale_of("a.k"), 0.75);
  EXPECT_EQ(c.scale_of("a.v"), 2.0);
}

TEST(Config, RefusesByName) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"(,"use_dora": true)", "use_dora"},
      {R"(,"bias": "all")", "bias"},
      {R"(,"bias": "lora_only")", "bias"},
      {R"(,"lora_bias": true)", "lora_bias"},
      {R"(,"modules_to_save": ["head"])", "modules_to_save"},
      {R"(,"target_parameters": ["experts"])", "target_parameters"},
      {R"(,"trainable_token_indices": [1])", "trainable_token_indices"},
      {R"(,"layer_replication": [[0, 2]])", "layer_replication"},
      {R"(,"megatron_config": {"a": 1})", "megatron_config"},
      {R"(,"kasa_config": {"a": 1})", "kasa_config"},
      {R"(,"arrow_config": {"a": 1})", "arrow_config"},
      {R"(,"use_qalora": true)", "use_qalora"},
      {R"(,"alora_invocation_tokens": [1])", "alora_invocation_tokens"},
      {R"(,"use_bdlora": {"a": 1})", "use_bdlora"},
      {R"(,"velora_config": {"a": 1})", "velora_config"},
      {R"(,"monteclora_config": {"a": 1})", "monteclora_config"},
      {R"(,"use_something_new": true)", "use_something_new"},
      {R"(,"init_lora_weights": "pissa")", "init_lora_weights"},
      {R"(,"init_lora_weights": "pissa_niter_4")", "init_lora_weights"},
      {R"(,"init_lora_weights": "olora")", "init_lora_weights"},
      {R"(,"init_lora_weights": "corda")", "init_lora_weights"},
      {R"(,"init_lora_weights": "loftq")", "init_lora_weights"},
      {R"(,"init_lora_weights": "lora_ga")", "init_lora_weights"}};
  for (const auto& refused : cases) {
    const std::string message = message_of([&] { config(refused.first); });
    EXPECT_NE(message.find('"' + refused.second + '"'), std::string::npos) << message;
  }
}

TEST(Config, WhatItSaysReachesMessagesAsAscii) {
  const std::string message = message_of(
      [] { config(R"(,"use_\u001b[2J": "\u009b\u202eüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü")"); });
  EXPECT_NE(message.find(R"("use_\u001b[2J": "\u009b\u202e)"), std::string::npos) << message;
  EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) {
    return c >= ' ' && c < 127;
  })) << message;
}

TEST(Config, AcceptsWhatDoesNotMatter) {
  config(
      R"(,"init_lora_weights": "gaussian", "bias": "none", "loftq_config": {}, "modules_to_save": null,
            "use_dora": false, "eva_config": {"rho": 2}, "lora_dropout": 0.1, "something_new": 3)");
}

TEST(Config, RefusesOtherAdapters) {
  const auto message = [](const std::string& text) {
    return message_of([&] { peft_config(text, "config"); });
  };
  EXPECT_NE(message(R"({"peft_type": "LOHA"})").find("LOHA"), std::string::npos);
  EXPECT_NE(message("{}").find("peft_type"), std::string::npos);
  EXPECT_NE(message(R"({"fine_tune_type": "lora"})").find("mlx"), std::string::npos);
  EXPECT_NE(message("[").find("JSON"), std::string::npos);
  EXPECT_NE(message(R"({"peft_type": "LORA", "r": "8"})").find("\"r\""), std::string::npos);
  EXPECT_NE(message(R"({"peft_type": "LORA", "r": 8, "r": 9})").find("twice"), std::string::npos);
  EXPECT_NE(message(R"({"peft_type": "LORA", "lora_alpha": 1e999})").find("range"),
            std::string::npos);
}

TEST(Config, RanksArePositiveIntegers) {
  for (const char* rank : {"0", "-1", "2.5", "1e30"}) {
    const auto c = config(",\"r\": " + std::string(rank));
    EXPECT_NE(message_of([&] { c.rank_of("m"); }).find("positive integer"), std::string::npos);
  }
}

}  // namespace
}  // namespace revlora::tool::test
