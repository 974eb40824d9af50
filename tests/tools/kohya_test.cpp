// kohya's files and those of ComfyUI, OneTrainer and LyCORIS: each ending, each prefix, and the
// scales that follow.
#include <cmath>

#include "read_adapters.hpp"

namespace revlora::tool::test {
namespace {

class Kohya : public testing::Test {
 protected:
  stored_adapter read(const std::vector<handmade_tensor>& tensors) {
    write(path, safetensors(tensors));
    return read_adapter(path);
  }
  std::string refusal(const std::vector<handmade_tensor>& tensors) {
    return message_of([&] { read(tensors); });
  }

  /// The factors of one module of rank 2, by hand.
  static std::vector<handmade_tensor> pair(const std::string& stem = "lora_unet_m") {
    return {{stem + ".lora_down.weight", {2, 3}, {1, 2, 3, 4, 5, 6}},
            {stem + ".lora_up.weight", {2, 2}, {1, 0, 0, 10}}};
  }
  static std::vector<handmade_tensor> with(handmade_tensor more) {
    auto tensors = pair();
    tensors.push_back(std::move(more));
    return tensors;
  }

  temporary_folder folder;
  const fs::path path = folder / "style.safetensors";
};

TEST_F(Kohya, LinearLayers) {
  const stored_adapter adapter = read(pair());
  EXPECT_EQ(adapter.path, path);
  EXPECT_EQ(adapter.description, "kohya LoRA");
  EXPECT_EQ(adapter.refused, "");
  EXPECT_EQ(names_of(adapter), std::vector<std::string>{"unet: m (underscored) weight"});
  const low_rank_update& update = factors_of(adapter);
  EXPECT_EQ(update.kind, layer_kind::linear);
  EXPECT_EQ(update.shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_FALSE(update.rows);
  EXPECT_FALSE(update.fan_in_fan_out);
  EXPECT_EQ(adapter.updates[0].spelled, "lora_unet_m");
  EXPECT_EQ(product(adapter, update), (std::vector<float>{1, 2, 3, 40, 50, 60}));
}

TEST_F(Kohya, AlphaIsDividedByTheRankAndScaleTakesItsPlace) {
  EXPECT_EQ(factors_of(read(with({"lora_unet_m.alpha", {}, {8}}))).scale, 4);
  EXPECT_EQ(factors_of(read(with({"lora_unet_m.alpha", {1}, {1}}))).scale, 0.5);
  auto both = with({"lora_unet_m.alpha", {}, {8}});
  both.push_back({"lora_unet_m.scale", {}, {0.25f}});
  EXPECT_EQ(factors_of(read(both)).scale, 0.25);
  expect_part(refusal(with({"lora_unet_m.alpha", {2}, {8, 8}})), "'lora_unet_m.alpha' is not one");
  expect_part(refusal(with({"lora_unet_m.alpha", {}, {INFINITY}})), "not finite");
}

TEST_F(Kohya, AlphaMayBeOfAnyType) {
  const auto scale = [&](const std::string& dtype, const std::string& bytes) {
    const std::string size = std::to_string(bytes.size());
    const std::string end = std::to_string(bytes.size() + 8);
    write(path,
          safetensors(
              R"({"lora_unet_m.alpha":{"dtype":")" + dtype + R"(","shape":[],"data_offsets":[0,)" +
                  size + R"(]},"lora_unet_m.lora_down.weight":{"dtype":"F16","shape":[2,1],)" +
                  R"("data_offsets":[)" + size + "," + std::to_string(bytes.size() + 4) +
                  R"(]},"lora_unet_m.lora_up.weight":{"dtype":"BF16","shape":[1,2],)" +
                  R"("data_offsets":[)" + std::to_string(bytes.size() + 4) + "," + end + "]}}",
              bytes + std::string(8, '\0')));
    return factors_of(read_adapter(path)).scale;
  };
  EXPECT_EQ(scale("I64", std::string("\4\0\0\0\0\0\0\0", 8)), 2);
  EXPECT_EQ(scale("I32", std::string("\4\0\0\0", 4)), 2);
  EXPECT_EQ(scale("F64", std::string("\0\0\0\0\0\0\x10\x40", 8)), 2);
  EXPECT_EQ(scale("F16", std::string("\0\x44", 2)), 2);
  EXPECT_EQ(scale("BF16", std::string("\x80\x40", 2)), 2);
  expect_part(message_of([&] { scale("BOOL", "\1"); }), "its type is BOOL");
}

TEST_F(Kohya, EveryPrefixAndSpellingHasItsComponent) {
  std::vector<handmade_tensor> tensors;
  for (const char* stem :
       {"lora_unet_a_1", "lora_unet__b", "lora_te_c", "lora_te1_d", "lora_te2_e", "lora_te3_f",
        "lora_te4_g", "lora_transformer_h", "lora_prior_unet_i", "lora_prior_te_j", "lycoris_k",
        "lora_unet_l.m", "lora_transformer.n.o"}) {
    for (const char* end : {".lora_down.weight", ".lora_up.weight"}) {
      tensors.push_back({std::string(stem) + end, {1, 1}, {1}});
    }
  }
  EXPECT_EQ(names_of(read(tensors)),
            (std::vector<std::string>{
                ": k (underscored) weight", "prior: i (underscored) weight",
                "text_encoder: c (underscored) weight", "text_encoder: d (underscored) weight",
                "text_encoder: j (underscored) weight", "text_encoder_2: e (underscored) weight",
                "text_encoder_3: f (underscored) weight", "text_encoder_4: g (underscored) weight",
                "transformer: h (underscored) weight", "transformer: n.o weight",
                "unet: a_1 (underscored) weight", "unet: b (underscored) weight",
                "unet: l_m (underscored) weight"}));
}

TEST_F(Kohya, Convolutions) {
  const stored_adapter adapter = read({{"lora_unet_m.lora_down.weight", {1, 2, 1, 2}, {1, 2, 3, 4}},
                                       {"lora_unet_m.lora_up.weight", {2, 1, 1, 1}, {10, 100}}});
  const low_rank_update& update = factors_of(adapter);
  EXPECT_EQ(update.kind, layer_kind::convolution);
  EXPECT_EQ(update.shape, (std::vector<std::uint64_t>{2, 2, 1, 2}));
  EXPECT_EQ(product(adapter, update), (std::vector<float>{10, 20, 30, 40, 100, 200, 300, 400}));
}

TEST_F(Kohya, OneOfTheFactorsMayHaveLostItsKernel) {
  const stored_adapter adapter = read({{"lora_unet_m.lora_down.weight", {1, 2, 1, 2}, {1, 2, 3, 4}},
                                       {"lora_unet_m.lora_up.weight", {1, 1}, {10}},
                                       {"lora_unet_n.lora_down.weight", {1, 2}, {1, 2}},
                                       {"lora_unet_n.lora_up.weight", {1, 1, 1, 1}, {10}}});
  EXPECT_EQ(factors_of(adapter, 0).shape, (std::vector<std::uint64_t>{1, 2, 1, 2}));
  EXPECT_EQ(factors_of(adapter, 1).shape, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(product(adapter, factors_of(adapter, 1)), (std::vector<float>{10, 20}));
}

TEST_F(Kohya, TuckersCoreOfAConvolution) {
  const stored_adapter adapter =
      read({{"lora_unet_m.lora_down.weight", {2, 3, 1, 1}, {1, 2, 3, 4, 5, 6}},
            {"lora_unet_m.lora_mid.weight", {1, 2, 1, 2}, {1, 2, 10, 20}},
            {"lora_unet_m.lora_up.weight", {2, 1, 1, 1}, {1, 2}},
            {"lora_unet_m.alpha", {}, {4}}});
  const low_rank_update& update = factors_of(adapter);
  EXPECT_EQ(update.shape, (std::vector<std::uint64_t>{2, 3, 1, 2}));
  EXPECT_EQ(update.scale, 2);
  EXPECT_EQ(product(adapter, update),
            (std::vector<float>{82, 164, 104, 208, 126, 252, 164, 328, 208, 416, 252, 504}));
  expect_part(refusal({{"lora_unet_m.lora_down.weight", {2, 3, 1, 1}, {1, 2, 3, 4, 5, 6}},
                       {"lora_unet_m.lora_mid.weight", {2, 1, 1, 2}, {1, 2, 10, 20}},
                       {"lora_unet_m.lora_up.weight", {2, 1, 1, 1}, {1, 2}}}),
              "do not fit: A [2, 3, 1, 1], B [2, 1, 1, 1], between them [2, 1, 1, 2]");
  expect_part(refusal({{"lora_unet_m.lora_mid.weight", {1, 1}, {1}}}), "but no factors");
}

TEST_F(Kohya, PartsOfAFusedWeight) {
  const stored_adapter adapter = read({{"lora_unet_m.lora_down.0.weight", {1, 2}, {1, 2}},
                                       {"lora_unet_m.lora_up.0.weight", {1, 1}, {10}},
                                       {"lora_unet_m.lora_down.1.weight", {2, 2}, {3, 4, 5, 6}},
                                       {"lora_unet_m.lora_up.1.weight", {2, 2}, {1, 0, 0, 1}},
                                       {"lora_unet_m.alpha", {}, {4}}});
  ASSERT_EQ(adapter.updates.size(), 2u);
  EXPECT_EQ(factors_of(adapter, 0).rows, (row_range{0, 3}));
  EXPECT_EQ(factors_of(adapter, 1).rows, (row_range{1, 3}));
  EXPECT_EQ(product(adapter, factors_of(adapter, 0)), (std::vector<float>{40, 80}));
  EXPECT_EQ(product(adapter, factors_of(adapter, 1)), (std::vector<float>{6, 8, 10, 12}));
  expect_part(refusal({{"lora_unet_m.lora_down.0.weight", {1, 2}, {1, 2}},
                       {"lora_unet_m.lora_up.0.weight", {1, 1}, {10}},
                       {"lora_unet_m.lora_down.2.weight", {1, 2}, {1, 2}},
                       {"lora_unet_m.lora_up.2.weight", {1, 1}, {10}}}),
              "of its part 1, no lora_up");
}

TEST_F(Kohya, DifferencesAndReplacements) {
  const stored_adapter adapter = read({{"lora_unet_m.diff", {1, 2}, {1, 2}},
                                       {"lora_unet_m.diff_b", {2}, {3, 4}},
                                       {"lora_unet_n.w_norm", {2}, {5, 6}},
                                       {"lora_unet_n.b_norm", {2}, {7, 8}},
                                       {"lora_unet_o.set_weight", {1, 2}, {9, 10}},
                                       {"diffusion_model.p.bias.diff", {2}, {1, 2}},
                                       {"diffusion_model.q.scale.set_weight", {2}, {3, 4}},
                                       {"diffusion_model.r.modulation.diff", {1, 2}, {5, 6}}});
  EXPECT_EQ(names_of(adapter),
            (std::vector<std::string>{"unet: m (underscored) bias", "unet: m (underscored) weight",
                                      "unet: n (underscored) bias", "unet: n (underscored) weight",
                                      "unet: o (underscored) weight", "unet: p.bias ",
                                      "unet: q.scale ", "unet: r.modulation "}));
  const auto& bias = std::get<difference_update>(adapter.updates[0].content);
  EXPECT_EQ(bias.shape, std::vector<std::uint64_t>{2});
  EXPECT_EQ(bias.scale, 1);
  EXPECT_EQ(numbers(adapter, bias.values), (std::vector<float>{3, 4}));
  const auto& replaced = std::get<replacement_update>(adapter.updates[4].content);
  EXPECT_EQ(replaced.shape, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_FALSE(replaced.rows);
  EXPECT_FALSE(replaced.is_likely_the_base);
}

TEST_F(Kohya, FamiliesThatAreNotMergedAreRefusedByNameAndDescribed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"dora_scale", "DoRA"},
      {"hada_w1_a", "LoHa"},
      {"lokr_w1", "LoKr"},
      {"a1.weight", "GLoRA"},
      {"oft_blocks", "OFT"},
      {"on_input", "(IA)³"},
      {"oft_diag", "OFT"},
      {"hada_t1", "LoHa"},
      {"lokr_w2_b", "LoKr"},
      {"reshape_weight", "shape"},
      {"lora_magnitude_vector", "DoRA"}};
  for (const auto& [end, family] : cases) {
    const stored_adapter adapter = read(with({"lora_unet_m." + end, {1, 1}, {1}}));
    expect_part(adapter.refused, family);
    expect_part(adapter.refused, "lora_unet_m." + end);
    EXPECT_EQ(adapter.updates.size(), 1u);
    expect_part(message_of([&] { read_adapters({path}); }), family);
  }
  const stored_adapter alone =
      read({{"lora_unet_m.hada_w1_a", {1, 1}, {1}}, {"lora_unet_m.alpha", {}, {1}}});
  expect_part(alone.refused, "LoHa");
  EXPECT_TRUE(alone.unused.empty());
}

TEST_F(Kohya, WhatIsNoFactorIsUnused) {
  auto tensors = pair();
  for (int i = 0; i < 13; ++i) tensors.push_back({"other_" + std::to_string(i), {1}, {1}});
  tensors.push_back({"bundle_emb.face.string_to_param.*", {1}, {1}});
  tensors.push_back({"lora_unet_alone.alpha", {}, {1}});
  const stored_adapter adapter = read(tensors);
  ASSERT_EQ(adapter.unused.size(), 11u);
  EXPECT_EQ(adapter.unused[0].what, "'other_0'");
  EXPECT_EQ(adapter.unused[10].what, "5 other tensors");
  const stored_adapter bundle = read(with({"bundle_emb.face.string_to_param.*", {1}, {1}}));
  ASSERT_EQ(bundle.unused.size(), 1u);
  expect_part(bundle.unused[0].why, "textual inversion");
}

TEST_F(Kohya, RefusesFactorsThatDoNotFit) {
  const auto tensors = pair();
  expect_part(refusal({tensors[0]}), "has 'lora_unet_m.lora_down.weight', but no up factor");
  expect_part(refusal({tensors[1]}), "has 'lora_unet_m.lora_up.weight', but no down factor");
  expect_part(refusal({tensors[0], {"lora_unet_m.lora_up.weight", {2, 1}, {1, 2}}}),
              "do not fit: A [2, 3], B [2, 1]");
  expect_part(refusal({tensors[0], {"lora_unet_m.lora_up.weight", {4}, {1, 2, 3, 4}}}),
              "do not fit");
  expect_part(refusal({tensors[0], {"lora_unet_m.lora_up.weight", {1, 2, 2}, {1, 2, 3, 4}}}),
              "do not fit");
  expect_part(refusal(with({"lora_unet_m.lora_A.weight", {1, 1}, {1}})),
              "are the same factor of one module");
  write(path, safetensors(R"({"lora_unet_m.lora_down.weight":{"dtype":"I8","shape":[1,1],)"
                          R"("data_offsets":[0,1]},"lora_unet_m.lora_up.weight":{"dtype":"I8",)"
                          R"("shape":[1,1],"data_offsets":[1,2]}})",
                          "xy"));
  expect_part(message_of([&] { read_adapter(path); }), "type I8");
  write(path, safetensors(R"({"lora_unet_m\n.lora_down.weight":{"dtype":"F16","shape":[1,1],)"
                          R"("data_offsets":[0,2]}})",
                          "xy"));
  expect_part(message_of([&] { read_adapter(path); }), "control characters");
}

TEST_F(Kohya, FactsAreTakenFromTheMetadata) {
  write(path, safetensors(R"({"__metadata__":{"ss_network_dim":"4","ss_network_alpha":"",)"
                          R"("modelspec.title":"ü","ss_tag":"x"},)"
                          R"("lora_unet_m.lora_down.weight":{"dtype":"F16","shape":[1,1],)"
                          R"("data_offsets":[0,2]},"lora_unet_m.lora_up.weight":{"dtype":"F16",)"
                          R"("shape":[1,1],"data_offsets":[2,4]}})",
                          "abcd"));
  EXPECT_EQ(read_adapter(path).facts, (std::vector<std::pair<std::string, std::string>>{
                                          {"modelspec.title", "ü"}, {"ss_network_dim", "4"}}));
}

TEST_F(Kohya, OneThatSomebodyChangedMeanwhileIsNoticed) {
  const stored_adapter adapter = read(pair());
  adapter.check_unchanged();
  write(path, safetensors(pair()));
  expect_part(message_of([&] { adapter.check_unchanged(); }), "meanwhile");
}

}  // namespace
}  // namespace revlora::tool::test
