// Adapter folders: the layers that can be merged give the hand-computed weights, all else is
// refused.
#include "checkpoint/checkpoint.hpp"
#include "formats/peft.hpp"
#include "support.hpp"
#include "verbs/requests.hpp"

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
    merge_model({model, {{write_adapter(folder / "adapter", factors, fields)}}});
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

TEST_F(Adapter, TheFlagDoesNotDecideForSquareLayers) {
  const auto factors = linear("m", {1, 2}, {10, 20});
  EXPECT_EQ(merged({2, 2}, factors), (std::vector<float>{11, 21, 21, 41}));
  const auto uneven = linear("m", {1, 0}, {10, 20});
  EXPECT_EQ(merged({2, 2}, uneven), (std::vector<float>{11, 21, 1, 1}));
  EXPECT_NE(refusal(uneven, R"(,"fan_in_fan_out": true)", {2, 2}).find("--fan-in-fan-out"),
            std::string::npos);
}

TEST_F(Adapter, WeightsThatAreNoNumbersAfterwardsAreCounted) {
  write(model, safetensors({{"m.weight", {1, 3}, {1, 2, 3}}}));
  const auto adapter = write_adapter(folder / "adapter", linear("m", {1e38f}, {1, 10, -10}));
  const merge_result result = merge_model({model, {{adapter}}});
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

TEST_F(Adapter, APrefixMayBeMissing) {
  EXPECT_EQ(merged({1, 1}, linear("m", {2}, {3}), "", "model.m.weight"), std::vector<float>{7});
  EXPECT_EQ(merged({1, 1}, linear("model.m", {2}, {3}), "", "m.weight"), std::vector<float>{7});
}

TEST_F(Adapter, RefusesNamesWithSeveralMatches) {
  write(model, safetensors({{"a.m.weight", {1, 1}, {1}}, {"b.m.weight", {1, 1}, {1}}}));
  const auto adapter = write_adapter(folder / "adapter", linear("m", {2}, {3}));
  const std::string message = message_of([&] { merge_model({model, {{adapter}}}); });
  EXPECT_NE(message.find("several tensors"), std::string::npos) << message;
}

TEST_F(Adapter, RefusesADifferentPrefixForEachModule) {
  write(model, safetensors({{"a.m.weight", {1, 1}, {1}}, {"b.n.weight", {1, 1}, {1}}}));
  auto factors = linear("m", {2}, {3});
  for (const auto& factor : linear("n", {2}, {3})) factors.push_back(factor);
  const auto adapter = write_adapter(folder / "adapter", factors);
  const std::string message = message_of([&] { merge_model({model, {{adapter}}}); });
  EXPECT_NE(message.find("another renaming"), std::string::npos) << message;
}

TEST_F(Adapter, RefusesTensorsThatAreNoFactors) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"base_model.model.m.lora_magnitude_vector", "DoRA"},
      {"base_model.model.m.lora_magnitude_vector.weight", "DoRA"},
      {"base_model.model.m.lora_E", "not a factor"},
      {"base_model.model.m.base_layer.lora_A.weight", "inside another adapted layer"}};
  for (const auto& [name, part] : cases) {
    auto factors = linear("m", {1, 2}, {1, 2, 3});
    factors.push_back({name, {1, 3}, {1, 2, 3}});
    if (name.find("base_layer") != std::string::npos) {
      factors.push_back({"base_model.model.m.base_layer.lora_B.weight", {2, 1}, {1, 2}});
    }
    const std::string message = refusal(factors);
    EXPECT_NE(message.find(part), std::string::npos) << message;
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
              merge_model({model, {{adapter}}});
            }).find("is I8"),
            std::string::npos);
  write(
      adapter / "adapter_model.safetensors",
      safetensors(
          R"({"base_model.model.m.lora_A.weight":{"dtype":"I16","shape":[1,1],"data_offsets":[0,2]},)"
          R"("base_model.model.m.lora_B.weight":{"dtype":"BF16","shape":[1,1],"data_offsets":[2,4]}})",
          "abcd"));
  EXPECT_NE(message_of([&] { read_peft_adapter(adapter); }).find("factors of type I16"),
            std::string::npos);
}

TEST_F(Adapter, FactorsMayBeOfDifferentTypes) {
  const auto adapter = write_adapter(folder / "adapter", linear("m", {1}, {1}));
  write(model, safetensors({{"m.weight", {1, 1}, {1}}}));
  write(
      adapter / "adapter_model.safetensors",
      safetensors(
          R"({"base_model.model.m.lora_A.weight":{"dtype":"F16","shape":[1,1],"data_offsets":[0,2]},)"
          R"("base_model.model.m.lora_B.weight":{"dtype":"BF16","shape":[1,1],"data_offsets":[2,4]}})",
          std::string("\x00\x40\x40\x40", 4)));  // 2 and 3
  merge_model({model, {{adapter}}});
  const std::string bytes = read(model);
  float merged = 0;
  std::memcpy(&merged, bytes.data() + bytes.size() - 4, 4);
  EXPECT_EQ(merged, 7);
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
