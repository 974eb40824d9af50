// mlx-lm's folders: its factors lie transposed, and its configuration says the scale itself.
#include "read_adapters.hpp"

namespace revlora::tool::test {
namespace {

const std::string lora = R"({"fine_tune_type":"lora","num_layers":2,"lora_parameters":)"
                         R"({"rank":2,"scale":20.0,"dropout":0.0}})";

class MlxLm : public testing::Test {
 protected:
  stored_adapter read(const std::vector<handmade_tensor>& tensors,
                      const std::string& config = lora) {
    write(folder / "adapter_config.json", config);
    write(folder / "adapters.safetensors", safetensors(tensors));
    return read_adapter(folder.path());
  }

  temporary_folder folder;
};

const std::vector<handmade_tensor> pair = {{"model.m.lora_a", {3, 2}, {1, 4, 2, 5, 3, 6}},
                                           {"model.m.lora_b", {2, 2}, {1, 0, 0, 10}}};

TEST_F(MlxLm, LinearLayersAreTransposed) {
  const stored_adapter adapter = read(pair);
  EXPECT_EQ(adapter.path, folder.path());
  EXPECT_EQ(adapter.description, "mlx-lm LoRA");
  EXPECT_EQ(names_of(adapter), std::vector<std::string>{": model.m weight"});
  const low_rank_update& update = factors_of(adapter);
  EXPECT_EQ(update.scale, 20);
  EXPECT_EQ(update.shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(product(adapter, update), (std::vector<float>{20, 40, 60, 800, 1000, 1200}));
}

TEST_F(MlxLm, EmbeddingsAreNot) {
  const stored_adapter adapter = read({{"model.embed_tokens.lora_a", {3, 1}, {1, 2, 3}},
                                       {"model.embed_tokens.lora_b", {1, 2}, {1, 10}}});
  const low_rank_update& update = factors_of(adapter);
  EXPECT_EQ(update.kind, layer_kind::embedding);
  EXPECT_EQ(update.shape, (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(product(adapter, update), (std::vector<float>{20, 200, 40, 400, 60, 600}));
}

TEST_F(MlxLm, ExpertsAreRowsOfAStack) {
  for (const std::vector<int>& shape_of_a : {std::vector<int>{2, 1, 3}, std::vector<int>{2, 3}}) {
    const stored_adapter adapter =
        read({{"mlp.switch_mlp.up.lora_a", shape_of_a, {1, 2, 3, 4, 5, 6}},
              {"mlp.switch_mlp.up.lora_b", {2, 2, 1}, {1, 10, 2, 20}}});
    ASSERT_EQ(adapter.updates.size(), 2u);
    const low_rank_update& second = factors_of(adapter, 1);
    EXPECT_EQ(factors_of(adapter, 0).rows, (row_range{0, 4}));
    EXPECT_EQ(second.rows, (row_range{2, 4}));
    EXPECT_EQ(second.shape, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(product(adapter, second), (std::vector<float>{160, 200, 240, 1600, 2000, 2400}));
  }
}

TEST_F(MlxLm, EarlierFilesOfTheTrainingCanBeNamed) {
  read(pair);
  const fs::path earlier = folder / "0000100_adapters.safetensors";
  write(earlier, safetensors(pair));
  EXPECT_EQ(read_adapter(earlier).path, earlier);
  EXPECT_EQ(read_adapter(folder.path()).path, folder.path());
  EXPECT_EQ(read_adapter(folder / "adapter_config.json").path, folder.path());
}

TEST_F(MlxLm, RefusesByName) {
  expect_part(read(pair, R"({"fine_tune_type":"dora","lora_parameters":{"scale":1}})").refused,
              "DoRA");
  auto magnitudes = pair;
  magnitudes.push_back({"model.m.m", {2}, {1, 1}});
  expect_part(read(magnitudes).refused, "DoRA");
  expect_part(read(pair, R"({"fine_tune_type":"full"})").refused, "all trained weights");
  expect_part(read(pair, R"({"fine_tune_type":"new","lora_parameters":{"scale":1}})").refused,
              "does not know");
  const auto refusal = [&](const std::vector<handmade_tensor>& tensors,
                           const std::string& config = lora) {
    return message_of([&] { read(tensors, config); });
  };
  expect_part(refusal(pair, R"({"lora_parameters":{"rank":2}})"), "no \"scale\"");
  expect_part(refusal({pair[0]}), "no lora_b");
  expect_part(refusal({pair[1]}), "no lora_a");
  expect_part(refusal({}), "no factors");
  expect_part(refusal({pair[0], {"model.m.lora_b", {1, 2}, {1, 2}}}), "do not fit");
  expect_part(refusal({pair[0], {"model.m.lora_b", {2}, {1, 2}}}), "do not fit");
  write(
      folder / "adapters.safetensors",
      safetensors(R"({"m.lora_a":{"dtype":"F16","shape":[1000000000,0,1],"data_offsets":[0,0]},)"
                  R"("m.lora_b":{"dtype":"F16","shape":[1000000000,1,0],"data_offsets":[0,0]}})"));
  expect_part(message_of([&] { read_adapter(folder.path()); }), "do not fit");
  fs::remove(folder / "adapters.safetensors");
  expect_part(message_of([&] { read_adapter(folder.path()); }), "no 'adapters.safetensors'");
}

TEST_F(MlxLm, WithoutItsConfigurationNobodyKnowsTheScale) {
  read(pair);
  fs::remove(folder / "adapter_config.json");
  for (const fs::path& path : {folder.path(), folder / "adapters.safetensors"}) {
    EXPECT_TRUE(is_adapter(path));
    expect_part(message_of([&] { read_adapter(path); }), "no adapter_config.json of mlx-lm");
  }
}

TEST_F(MlxLm, WhatIsNoFactorIsUnused) {
  auto tensors = pair;
  tensors.push_back({"model.norm.weight", {1}, {1}});
  const stored_adapter adapter = read(tensors);
  ASSERT_EQ(adapter.unused.size(), 1u);
  EXPECT_EQ(adapter.unused[0].what, "'model.norm.weight'");
}

}  // namespace
}  // namespace revlora::tool::test
