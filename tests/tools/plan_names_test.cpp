// Which tensors of a model an adapter's names mean.
#include "handmade_plan.hpp"

namespace revlora::tool::test {
namespace {

using changed = std::map<std::string, std::vector<double>>;

TEST_F(Plan, NamesOfTwoTowersMayDifferEachInItsWay) {
  make_model({{"model.layers.0.q.weight", {3, 2}}, {"visual.blocks.0.q.weight", {3, 2}}});
  const auto text = add_linear("model.language_model.layers.0.q", 3, 2);
  const auto image = add_linear("model.visual.blocks.0.q", 3, 2);
  EXPECT_EQ(changes(),
            (changed{{"model.layers.0.q.weight", text}, {"visual.blocks.0.q.weight", image}}));
  EXPECT_NE(all_notes().find("with 'model.' for 'model.language_model.' (1 tensor: "),
            std::string::npos)
      << all_notes();
  EXPECT_NE(all_notes().find("without 'model.' (1 tensor: "), std::string::npos) << all_notes();
}

TEST_F(Plan, OrderAndNumberOfOuterModelsDoNotMatter) {
  for (const char* stored : {"layers.0.q", "model.layers.0.q", "language_model.model.layers.0.q",
                             "model.language_model.layers.0.q", "_orig_mod.model.layers.0.q"}) {
    make_model({{std::string(stored) + ".weight", {3, 2}}, {"vision.layers.0.q.weight", {3, 2}}});
    for (const char* wanted : {"layers.0.q", "model.layers.0.q", "language_model.model.layers.0.q",
                               "model.language_model.layers.0.q", "module.model.layers.0.q",
                               "model.layers.0._orig_mod.q"}) {
      updates_.clear();
      const auto d = add_linear(wanted, 3, 2);
      EXPECT_EQ(changes(), (changed{{std::string(stored) + ".weight", d}})) << wanted;
    }
  }
}

TEST_F(Plan, TheTextTowerIsNotTakenForThatOfImages) {
  make_model({{"model.layers.0.q.weight", {3, 2}}});
  add_linear("model.vision_tower.layers.0.q", 3, 2);
  EXPECT_NE(refusal().find("no tensor 'model.vision_tower.layers.0.q.weight'"), std::string::npos);
}

TEST_F(Plan, TwoWeightsOfOnePlainNameAreRefused) {
  make_model({{"model.a.q.weight", {3, 2}}, {"language_model.a.q.weight", {3, 2}}});
  add_linear("a.q", 3, 2);
  EXPECT_NE(refusal().find("several tensors of the model could be 'a.q.weight': "
                           "'language_model.a.q.weight' and 'model.a.q.weight'"),
            std::string::npos);
}

TEST_F(Plan, AnExactNameNeedsNoRenaming) {
  make_model({{"model.a.q.weight", {3, 2}}, {"language_model.a.q.weight", {3, 2}}});
  const auto d = add_linear("model.a.q", 3, 2);
  EXPECT_EQ(changes(), (changed{{"model.a.q.weight", d}}));
  EXPECT_TRUE(notes_.empty());
}

TEST_F(Plan, UnderscoresAreComparedForward) {
  make_model({{"down_blocks.0.to_q.weight", {3, 2}}, {"down.blocks_1.to_q.weight", {3, 2}}});
  const auto d = add_linear("down_blocks_0_to_q", 3, 2);
  updates_.back().spelling = module_spelling::underscored;
  updates_.back().component = "unet";
  EXPECT_EQ(changes(), (changed{{"down_blocks.0.to_q.weight", d}}));
  EXPECT_NE(all_notes().find("with underscores for dots (1 tensor: "), std::string::npos);
}

TEST_F(Plan, UnderscoresThatTwoNamesShareAreRefused) {
  make_model({{"a.b_c.weight", {3, 2}}, {"a_b.c.weight", {3, 2}}});
  add_linear("a_b_c", 3, 2);
  updates_.back().spelling = module_spelling::underscored;
  EXPECT_NE(refusal().find("several tensors of the model could be 'a_b_c'"), std::string::npos);
}

TEST_F(Plan, UnmatchedNamesAreListedWithTheNearest) {
  make_model({{"model.layers.0.self_attn.q_proj.weight", {3, 2}}});
  for (int i = 0; i < 14; ++i) {
    add_linear("model.layers." + std::to_string(10 + i) + ".self_attn.g_proj", 3, 2);
  }
  const std::string message = refusal();
  EXPECT_NE(message.find("'model.layers.10.self_attn.g_proj.weight' (nearest: "
                         "'model.layers.0.self_attn.q_proj.weight')"),
            std::string::npos)
      << message;
  EXPECT_EQ(message.find("layers.20."), std::string::npos) << message;
  EXPECT_NE(message.find(" and 4 more"), std::string::npos) << message;
}

TEST_F(Plan, WhatIsUnmatchedIsLeftOutOnlyWhenAllowed) {
  make_model({{"m.weight", {3, 2}}});
  const auto d = add_linear("m", 3, 2);
  add_linear("other", 3, 2);
  EXPECT_NE(refusal().find("--allow-unused"), std::string::npos);
  EXPECT_EQ(changes({.strengths = {1.0}, .allow_unused = true}), (changed{{"m.weight", d}}));
  EXPECT_NE(all_notes().find("left out, as the model has nothing of the name: 'other.weight'"),
            std::string::npos);
}

TEST_F(Plan, WhatCannotBeMergedIsLeftOutOnlyWhenAllowed) {
  make_model({{"m.weight", {3, 2}}});
  const auto d = add_linear("m", 3, 2);
  unused_.push_back({"'mm_projector.bin'", "trained tensors as a Python pickle"});
  EXPECT_NE(refusal().find("'mm_projector.bin' (trained tensors as a Python pickle)"),
            std::string::npos);
  EXPECT_EQ(changes({.strengths = {1.0}, .allow_unused = true}), (changed{{"m.weight", d}}));
  EXPECT_NE(all_notes().find("left out: 'mm_projector.bin'"), std::string::npos);
}

TEST_F(Plan, PackedWeightsAreRefusedByName) {
  make_model({{"m.qweight", {3, 2}}, {"m.scales", {3, 2}}});
  add_linear("m", 3, 2);
  EXPECT_NE(refusal().find("'m.weight' as 'm.qweight', weights packed by GPTQ or AWQ"),
            std::string::npos);
}

class Pipelines : public Plan {
 protected:
  void make_component(const std::string& component, const std::string& tensor) {
    write(folder_ / "model" / component / "model.safetensors",
          safetensors({{tensor, {3, 2}, {1, 2, 3, 4, 5, 6}}}));
    write(folder_ / "model" / component / "config.json", "{}");
  }
  void SetUp() override {
    write(folder_ / "model/model_index.json",
          R"({"_class_name": "P", "text_encoder": ["transformers", "C"],)"
          R"("text_encoder_2": ["transformers", "C"], "unet": ["diffusers", "U"]})");
    make_component("text_encoder", "encoder.layers.0.q.weight");
    make_component("text_encoder_2", "encoder.layers.0.q.weight");
    make_component("unet", "down_blocks.0.q.weight");
  }
};

TEST_F(Pipelines, AComponentIsSaid) {
  const auto first = add_linear("encoder.layers.0.q", 3, 2);
  updates_.back().component = "text_encoder";
  const auto second = add_linear("encoder_layers_0_q", 3, 2);
  updates_.back().component = "text_encoder_2";
  updates_.back().spelling = module_spelling::underscored;
  EXPECT_EQ(changes(), (changed{{"text_encoder/encoder.layers.0.q.weight", first},
                                {"text_encoder_2/encoder.layers.0.q.weight", second}}));
}

TEST_F(Pipelines, OrFoundByTheOnlyOneThatHasTheName) {
  const auto d = add_linear("down_blocks.0.q", 3, 2);
  EXPECT_EQ(changes(), (changed{{"unet/down_blocks.0.q.weight", d}}));
  add_linear("encoder.layers.0.q", 3, 2);
  EXPECT_NE(refusal().find("several tensors of the model could be 'encoder.layers.0.q.weight'"),
            std::string::npos);
}

TEST_F(Pipelines, ANameOfAnotherComponentIsUnmatched) {
  add_linear("down_blocks.0.q", 3, 2);
  updates_.back().component = "text_encoder";
  EXPECT_NE(refusal().find("no tensor 'down_blocks.0.q.weight of text_encoder'"),
            std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
