// Adapter folders: the layers that can be merged give the hand-computed weights, all else is
// refused.
#include "checkpoint/checkpoint.hpp"
#include "formats/peft.hpp"
#include "formats/peft_factors.hpp"
#include "support.hpp"
#include "verbs/merge_model.hpp"

namespace revlora::tool::test {
namespace {

const std::vector<float> ones(24, 1.0f);

class Adapter : public testing::Test {
 protected:
  /// The weights of `weight`, a tensor of this shape that is all ones, after a merge.
  std::vector<float> merged(const std::vector<int>& shape,
                            const std::vector<handmade_tensor>& factors,
                            const std::string& fields = "",
                            const std::string& weight = "m.weight") {
    std::size_t count = 1;
    for (const int extent : shape) count *= static_cast<std::size_t>(extent);
    write(model,
          safetensors({{weight, shape, {ones.begin(), ones.begin() + static_cast<long>(count)}}}));
    fs::remove(folder / "model.undo");
    merge_model({model, {write_adapter(folder / "adapter", factors, fields)}, 1.0, {}, {}});
    const std::string bytes = read(model);
    std::vector<float> values(count);
    std::memcpy(values.data(), bytes.data() + bytes.size() - 4 * count, 4 * count);
    return values;
  }

  std::string refusal(const std::vector<handmade_tensor>& factors, const std::string& fields = "",
                      const std::vector<int>& shape = {2, 3}) {
    return message_of([&] { merged(shape, factors, fields); });
  }

  temporary_folder folder;
  const fs::path model = folder / "model.safetensors";
};

TEST_F(Adapter, LinearLayers) {
  EXPECT_EQ(merged({2, 3}, linear("m", {1, 2}, {10, 20, 30})),
            (std::vector<float>{11, 21, 31, 21, 41, 61}));
}

TEST_F(Adapter, TransposedLayersAreSeenByTheirShape) {
  const std::vector<float> expected = {11, 21, 21, 41, 31, 61};
  EXPECT_EQ(merged({3, 2}, linear("m", {1, 2}, {10, 20, 30})), expected);
  EXPECT_EQ(merged({3, 2}, linear("m", {1, 2}, {10, 20, 30}), R"(,"fan_in_fan_out": true)"),
            expected);
}

TEST_F(Adapter, TheFlagDecidesForSquareLayers) {
  const auto factors = linear("m", {1, 2}, {10, 20});
  EXPECT_EQ(merged({2, 2}, factors), (std::vector<float>{11, 21, 21, 41}));
  const auto uneven = linear("m", {1, 0}, {10, 20});
  EXPECT_EQ(merged({2, 2}, uneven), (std::vector<float>{11, 21, 1, 1}));
  EXPECT_EQ(merged({2, 2}, uneven, R"(,"fan_in_fan_out": true)"),
            (std::vector<float>{11, 1, 21, 1}));
}

TEST_F(Adapter, WeightsThatAreNoNumbersAfterwardsAreCounted) {
  write(model, safetensors({{"m.weight", {1, 3}, {1, 2, 3}}}));
  const auto adapter = write_adapter(folder / "adapter", linear("m", {1e38f}, {1, 10, -10}));
  const merge_result result = merge_model({model, {adapter}, 1.0, {}, {}});
  EXPECT_EQ(result.changed, 3u);
  EXPECT_EQ(result.not_finite, 2u);
}

TEST_F(Adapter, Convolutions) {
  const std::vector<handmade_tensor> factors = {
      {"base_model.model.m.lora_A.weight", {1, 2, 1, 2}, {1, 2, 3, 4}},
      {"base_model.model.m.lora_B.weight", {2, 1, 1, 1}, {10, 100}}};
  EXPECT_EQ(merged({2, 2, 1, 2}, factors),
            (std::vector<float>{11, 21, 31, 41, 101, 201, 301, 401}));
}

TEST_F(Adapter, Embeddings) {
  const std::vector<handmade_tensor> factors = {
      {"base_model.model.m.lora_embedding_A", {1, 3}, {1, 2, 3}},
      {"base_model.model.m.lora_embedding_B", {2, 1}, {10, 100}}};
  EXPECT_EQ(merged({3, 2}, factors), (std::vector<float>{11, 101, 21, 201, 31, 301}));
}

TEST_F(Adapter, TheAdaptersNameMayBeInTheTensorsName) {
  EXPECT_EQ(merged({1, 1}, {{"base_model.model.m.lora_A.default.weight", {1, 1}, {2}},
                            {"base_model.model.m.lora_B.default.weight", {1, 1}, {3}}}),
            std::vector<float>{7});
}

TEST_F(Adapter, NamesOfFactorsAreTakenApartFromTheEnd) {
  const peft_config config(std::string(R"({"peft_type": "LORA", "r": 1})"), "config");
  const auto module_of = [&](const std::string& a, const std::string& b) {
    const auto factor = [](const std::string& name) {
      return tensor{"base_model.model." + name, "F32", {1, 1}, 0, 4};
    };
    const std::vector<tensor> tensors = {factor(a), factor(b)};
    return pair_factors(tensors, config, "file").at(0).module;
  };
  EXPECT_EQ(module_of("m.lora_A.weight", "m.lora_B.weight"), "m");
  EXPECT_EQ(module_of("m.lora_A.x.weight", "m.lora_B.y.weight"), "m");
  EXPECT_EQ(module_of("m.lora_B.lora_A.weight", "m.lora_B.lora_B.weight"), "m.lora_B");
  EXPECT_EQ(module_of("m.lora_embedding_A", "m.lora_embedding_B.x"), "m");
  EXPECT_EQ(module_of("m.lora_embedding_A.weight", "m.lora_embedding_B"), "m");
  for (const char* name : {"lora_A.weight", ".lora_A.weight", "m.lora_A..weight", "m.lora_A",
                           "m.lora_A.x.y.weight", "m.lora_embedding_A.x.y", "m.lora_A.weight\n",
                           "m\n.lora_A.weight", "m.lora_A\x1b.weight"}) {
    const std::string message = message_of([&] { module_of(name, "m.lora_B.weight"); });
    EXPECT_NE(message.find("cannot merge it"), std::string::npos) << name << ": " << message;
    EXPECT_EQ(message.find_first_of("\n\x1b"), std::string::npos);
  }
}

TEST_F(Adapter, APrefixMayBeMissing) {
  EXPECT_EQ(merged({1, 1}, linear("m", {2}, {3}), "", "model.m.weight"), std::vector<float>{7});
  EXPECT_EQ(merged({1, 1}, linear("model.m", {2}, {3}), "", "m.weight"), std::vector<float>{7});
}

TEST_F(Adapter, RefusesNamesWithSeveralMatches) {
  write(model, safetensors({{"a.m.weight", {1, 1}, {1}}, {"b.m.weight", {1, 1}, {1}}}));
  const auto adapter = write_adapter(folder / "adapter", linear("m", {2}, {3}));
  const std::string message = message_of([&] { merge_model({model, {adapter}, 1.0, {}, {}}); });
  EXPECT_NE(message.find("several tensors"), std::string::npos) << message;
}

TEST_F(Adapter, RefusesADifferentPrefixForEachModule) {
  write(model, safetensors({{"a.m.weight", {1, 1}, {1}}, {"b.n.weight", {1, 1}, {1}}}));
  auto factors = linear("m", {2}, {3});
  for (const auto& factor : linear("n", {2}, {3})) factors.push_back(factor);
  const auto adapter = write_adapter(folder / "adapter", factors);
  const std::string message = message_of([&] { merge_model({model, {adapter}, 1.0, {}, {}}); });
  EXPECT_NE(message.find("another renaming"), std::string::npos) << message;
}

TEST_F(Adapter, RefusesTensorsThatAreNoFactors) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"base_model.model.m.lora_magnitude_vector", "DoRA"},
      {"base_model.model.m.lora_B.bias", "own bias"},
      {"base_model.model.m.bias", "replaced bias"},
      {"base_model.model.head.weight", "replaced weight"},
      {"base_model.model.m.token_adapter.trainable_tokens_delta", "rows of an embedding"},
      {"base_model.model.m.lora_E", "not a factor"},
      {"base_model.model.m.what", "nothing that revlora knows"},
      {"base_model.model.m.base_layer.lora_A.weight", "wrapped layer"},
      {"lora_unet_m.lora_down.weight", "not named base_model.model."}};
  for (const auto& [name, part] : cases) {
    auto factors = linear("m", {1, 2}, {1, 2, 3});
    factors.push_back({name, {1}, {1}});
    const std::string message = refusal(factors);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find(name), std::string::npos) << message;
  }
}

TEST_F(Adapter, RefusesFactorsThatDoNotFit) {
  const auto factors = linear("m", {1, 2}, {1, 2, 3});
  EXPECT_NE(refusal({factors[0]}).find("no lora_B"), std::string::npos);
  EXPECT_NE(refusal({factors[1]}).find("no lora_A"), std::string::npos);
  EXPECT_NE(refusal({}).find("no LoRA factors"), std::string::npos);
  EXPECT_NE(refusal(factors, R"(,"rank_pattern": {"m": 2})").find("has rank 1, but"),
            std::string::npos);
  EXPECT_NE(refusal(factors, "", {2, 4}).find("do not fit the weight [2, 4]"), std::string::npos);
  EXPECT_NE(refusal(factors, "", {6}).find("do not fit the weight [6]"), std::string::npos);
  EXPECT_NE(refusal(factors, R"(,"alpha_pattern": {"m": 1e300})").find("not a finite"),
            std::string::npos);
  EXPECT_NE(refusal(linear("other", {1, 2}, {1, 2, 3})).find("no tensor 'other.weight'"),
            std::string::npos);
}

TEST_F(Adapter, RefusesTypesThatCannotBeMerged) {
  const auto adapter = write_adapter(folder / "adapter", linear("m", {1}, {1}));
  write(model,
        safetensors(R"({"m.weight":{"dtype":"I8","shape":[1,1],"data_offsets":[0,1]}})", "x"));
  EXPECT_NE(message_of([&] {
              merge_model({model, {adapter}, 1.0, {}, {}});
            }).find("is I8"),
            std::string::npos);
  write(
      adapter / "adapter_model.safetensors",
      safetensors(
          R"({"base_model.model.m.lora_A.weight":{"dtype":"F16","shape":[1,1],"data_offsets":[0,2]},)"
          R"("base_model.model.m.lora_B.weight":{"dtype":"BF16","shape":[1,1],"data_offsets":[2,4]}})",
          "abcd"));
  EXPECT_NE(message_of([&] { read_peft_adapter(adapter); }).find("mixes types"), std::string::npos);
}

TEST_F(Adapter, RefusesFoldersThatAreNone) {
  const auto message = [&] { return message_of([&] { read_peft_adapter(folder / "adapter"); }); };
  EXPECT_NE(message().find("does not exist"), std::string::npos);
  write(folder / "adapter", "a file");
  EXPECT_NE(message().find("not a folder"), std::string::npos);
  fs::remove(folder / "adapter");
  write(folder / "adapter/adapter_model.bin", "pickle");
  EXPECT_NE(message().find("no adapter_config.json"), std::string::npos);
  write(folder / "adapter/adapter_config.json", "{}");
  EXPECT_NE(message().find("Python pickle"), std::string::npos);
}

TEST_F(Adapter, OneThatSomebodyChangedMeanwhileIsNoticed) {
  const fs::path home = write_adapter(folder / "adapter", linear("m", {1}, {1}));
  const auto noticed = [&](const auto& meanwhile) {
    const stored_adapter read = read_peft_adapter(home);
    read.check_unchanged();
    meanwhile();
    EXPECT_NE(message_of([&] { read.check_unchanged(); }).find("meanwhile"), std::string::npos);
  };
  noticed([&] { write_adapter(home, linear("m", {2}, {1})); });
  noticed([&] { write(home / "adapter_config.json", read(home / "adapter_config.json")); });
  noticed([&] {
    fs::rename(home, folder / "moved");
    write_adapter(home, linear("m", {2}, {1}));
  });
}

}  // namespace
}  // namespace revlora::tool::test
