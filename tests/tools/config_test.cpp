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
      {R"(,"layer_replication": [[0, 2]])", "layer_replication"},
      {R"(,"megatron_config": {"a": 1})", "megatron_config"},
      {R"(,"kasa_config": {"a": 1})", "kasa_config"},
      {R"(,"arrow_config": {"a": 1})", "arrow_config"},
      {R"(,"use_qalora": true)", "use_qalora"},
      {R"(,"alora_invocation_tokens": [1])", "alora_invocation_tokens"},
      {R"(,"use_bdlora": {"a": 1})", "use_bdlora"},
      {R"(,"use_something_new": true)", "use_something_new"},
      {R"(,"something_new_config": {"a": 1})", "something_new_config"}};
  for (const auto& [fields, field] : cases) {
    const std::string reason = config(fields).refused();
    EXPECT_NE(reason.find("with \"" + field + "\": "), std::string::npos) << reason;
  }
}

TEST(Config, InitialisationsAreRefusedOnlyIfTheyChangeTheBase) {
  const auto reason = [](const std::string& value) {
    return config(",\"init_lora_weights\": " + value).refused();
  };
  for (const char* changing :
       {"pissa", "pissa_niter_4", "olora", "OLoRA", "corda", "loftq", "lora_ga"}) {
    const std::string refused = reason('"' + std::string(changing) + '"');
    EXPECT_NE(refused.find("changed the base weights: merge it into the model that"),
              std::string::npos)
        << changing << ": " << refused;
  }
  for (const char* harmless : {"true", "false", "null", "\"gaussian\"", "\"Gaussian\"",
                               "\"orthogonal\"", "\"eva\"", "\"mica\"", "\"MiCA\""}) {
    EXPECT_EQ(reason(harmless), "") << harmless;
  }
  EXPECT_NE(reason("\"newest\"").find("does not know whether"), std::string::npos);
}

TEST(Config, WhatItSaysReachesMessagesAsAscii) {
  const std::string message =
      config(R"(,"use_\u001b[2J": "\u009b\u202eüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü")").refused();
  EXPECT_NE(message.find(R"("use_\u001b[2J": "\u009b\u202e)"), std::string::npos) << message;
  EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) {
    return c >= ' ' && c < 127;
  })) << message;
}

TEST(Config, AcceptsWhatDoesNotMatter) {
  const auto c = config(
      R"(,"bias": "none", "loftq_config": {}, "modules_to_save": ["head"], "use_dora": false,
            "eva_config": {"rho": 2}, "velora_config": {"num_groups": 8}, "lora_dropout": 0.1,
            "monteclora_config": {"a": 1}, "something_new": 3)");
  EXPECT_EQ(c.refused(), "");
  EXPECT_EQ(c.description(), "PEFT LoRA");
}

TEST(Config, OtherKindsOfPeftAreRefusedByTheirNames) {
  const auto of_type = [](const std::string& type) {
    return peft_config(R"({"r": null, "rank_pattern": [0.5], "peft_type": ")" + type + "\"}",
                       "config");
  };
  const std::vector<std::pair<std::string, std::string>> names = {
      {"LOHA", "LoHa"},
      {"LOKR", "LoKr"},
      {"VERA", "VeRA"},
      {"IA3", "(IA)3"},
      {"OFT", "OFT"},
      {"ADALORA", "AdaLoRA"},
      {"XLORA", "X-LoRA"},
      {"PROMPT_TUNING", "prompt tuning"},
      {"FOURIERFT", "FourierFT"},
      {"NEWEST", "NEWEST"}};
  for (const auto& [type, name] : names) {
    const peft_config c = of_type(type);
    EXPECT_NE(c.refused().find("\"peft_type\": \"" + type + '"'), std::string::npos) << c.refused();
    EXPECT_EQ(c.description(), "PEFT " + name);
    EXPECT_FALSE(c.has_known_tensors());
  }
  for (const char* readable : {"TRAINABLE_TOKENS", "LN_TUNING"}) {
    EXPECT_EQ(of_type(readable).refused(), "");
  }
  EXPECT_EQ(config(R"(,"use_dora": true)").description(), "PEFT DoRA");
  EXPECT_EQ(config(R"(,"use_rslora": true)").description(), "PEFT LoRA, rank-stabilised");
}

TEST(Config, RefusesWhatIsNoConfiguration) {
  const auto message = [](const std::string& text) {
    return message_of([&] { peft_config(text, "config"); });
  };
  EXPECT_NE(message("{}").find("peft_type"), std::string::npos);
  EXPECT_NE(message("[").find("JSON"), std::string::npos);
  EXPECT_NE(message(R"({"peft_type": "LORA", "r": "8"})").find("\"r\""), std::string::npos);
  EXPECT_NE(message(R"({"peft_type": "LORA", "r": 8, "r": 9})").find("twice"), std::string::npos);
  EXPECT_NE(message(R"({"peft_type": "LORA", "lora_alpha": 1e999})").find("range"),
            std::string::npos);
  for (const char* fields :
       {R"("bias": "some")", R"("use_rslora": 1)", R"("target_parameters": "experts")",
        R"("target_parameters": [1])", R"("trainable_token_indices": 3)",
        R"("trainable_token_indices": [-1])", R"("trainable_token_indices": {"e": [1.5]})"}) {
    const std::string refused = message(R"({"peft_type": "LORA", )" + std::string(fields) + "}");
    EXPECT_EQ(refused.find("config: \""), 0u) << refused;
  }
}

TEST(Config, FactsAreShort) {
  const auto c = config(
      R"(,"r": 4, "target_modules": ["a","b","c","d","e","f","g","h","i","j"], "revision": null,
            "alpha_pattern": {"q": 1, "k": 2}, "modules_to_save": [], "base_model_name_or_path": "")");
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"peft_type", "LORA"},
      {"r", "4"},
      {"alpha_pattern", "2 keys"},
      {"target_modules", "a, b, c, d, e, f, g, h and 2 more"}};
  EXPECT_EQ(c.facts(), expected);
}

TEST(Config, ParametersAreThoseThatEndTheModule) {
  const auto c =
      config(R"(,"target_parameters": ["mlp.experts.up", "mlp.experts.down", "experts.up", "w"])");
  using names = std::vector<std::string>;
  EXPECT_EQ(c.parameters_of("layers.0.mlp.experts"), (names{"up", "down", "w"}));
  EXPECT_EQ(c.parameters_of("layers.0.experts"), (names{"up", "w"}));
  EXPECT_EQ(c.parameters_of("layers.0.otherexperts"), names{"w"});
  EXPECT_TRUE(c.has_parameters_of("experts"));
  EXPECT_FALSE(c.has_parameters_of("q_proj"));
  EXPECT_EQ(config("").parameters_of("experts"), names{});
}

TEST(Config, StacksWereTakenTheOtherWayBefore019) {
  const auto hint = [](const std::string& version) {
    return config(",\"peft_version\": \"" + version + '"').stacks_fan_in_fan_out();
  };
  EXPECT_EQ(hint("0.17.1"), true);
  EXPECT_EQ(hint("0.18.0.dev0"), true);
  EXPECT_EQ(hint("0.19.0"), std::nullopt);
  EXPECT_EQ(hint("0.20.1.dev0@UNKNOWN"), std::nullopt);
  EXPECT_EQ(hint("1.0"), std::nullopt);
  EXPECT_EQ(hint("0.x"), std::nullopt);
  EXPECT_EQ(config("").stacks_fan_in_fan_out(), std::nullopt);
}

TEST(Config, TokensAreOfAllModulesOrOfNamedOnes) {
  using rows = std::vector<std::uint64_t>;
  EXPECT_EQ(config(R"(,"trainable_token_indices": [3, 1])").token_indices_of("a.e"), (rows{3, 1}));
  const auto c = config(R"(,"trainable_token_indices": {"e": [7], "b.h": [8]})");
  EXPECT_EQ(c.token_indices_of("a.e"), rows{7});
  EXPECT_EQ(c.token_indices_of("b.h"), rows{8});
  EXPECT_EQ(c.token_indices_of("a.h"), std::nullopt);
  EXPECT_EQ(c.token_indices_of("a.ee"), std::nullopt);
  EXPECT_EQ(config("").token_indices_of("e"), std::nullopt);
}

TEST(Config, RanksArePositiveIntegers) {
  for (const char* rank : {"0", "-1", "2.5", "1e30"}) {
    const auto c = config(",\"r\": " + std::string(rank));
    EXPECT_NE(message_of([&] { c.rank_of("m"); }).find("positive integer"), std::string::npos);
  }
}

}  // namespace
}  // namespace revlora::tool::test
