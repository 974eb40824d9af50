// torchtune, LitGPT, pickles; and which file a folder means.
#include "read_adapters.hpp"

namespace revlora::tool::test {
namespace {

class OtherFormats : public testing::Test {
 protected:
  stored_adapter read(const std::vector<std::string>& names) {
    write(path, safetensors(ones_of(names)));
    return read_adapter(path);
  }
  std::string refusal_of(const fs::path& other) {
    return message_of([&] { read_adapter(other); });
  }

  temporary_folder folder;
  const fs::path path = folder / "one.safetensors";
};

const std::vector<std::string> torchtune = {"layers.0.attn.q_proj.lora_a.weight",
                                            "layers.0.attn.q_proj.lora_b.weight"};
const std::vector<std::string> litgpt = {"transformer.h.0.attn.proj.lora_A",
                                         "transformer.h.0.attn.proj.lora_B"};

TEST_F(OtherFormats, TorchtuneHasItsAlphaInAConfigurationBeside) {
  expect_part(read(torchtune).refused, "alpha is not in torchtune's files");
  write(folder / "adapter_config.json", R"({"r":1,"lora_alpha":16})");
  const stored_adapter adapter = read(torchtune);
  EXPECT_EQ(adapter.refused, "");
  EXPECT_EQ(adapter.description, "torchtune LoRA");
  EXPECT_EQ(names_of(adapter), std::vector<std::string>{": layers.0.attn.q_proj weight"});
  EXPECT_EQ(factors_of(adapter).scale, 16);
  write(folder / "adapter_config.json", R"({"r":2,"lora_alpha":16})");
  expect_part(message_of([&] { read(torchtune); }), "rank 1, but its configuration says 2");
  write(folder / "adapter_config.json", R"({"peft_type":"LORA","r":1,"lora_alpha":2})");
  write(folder / "adapter_model.safetensors", safetensors(ones_of(torchtune)));
  EXPECT_EQ(factors_of(read_adapter(folder.path())).scale, 2);
  auto dora = torchtune;
  dora.push_back("layers.0.attn.q_proj.magnitude");
  fs::remove(folder / "adapter_config.json");
  expect_part(read(dora).refused, "DoRA");
}

TEST_F(OtherFormats, LitGptHasItsAlphaInHyperparameters) {
  expect_part(read(litgpt).refused, "hyperparameters.yaml");
  write(folder / "hyperparameters.yaml", "lora_r: 8\nlora_alpha: 16 # twice\nlora_alphabet: 3\n");
  const stored_adapter adapter = read(litgpt);
  EXPECT_EQ(adapter.refused, "");
  EXPECT_EQ(adapter.description, "LitGPT LoRA");
  EXPECT_EQ(names_of(adapter), std::vector<std::string>{": transformer.h.0.attn.proj weight"});
  EXPECT_EQ(factors_of(adapter).scale, 16);
  for (const char* yaml : {"", "lora_alpha:", "lora_alpha: x", "lora_alpha", "x: 1"}) {
    write(folder / "hyperparameters.yaml", yaml);
    expect_part(read(litgpt).refused, "hyperparameters.yaml");
  }
  write(path, safetensors({{"transformer.h.0.attn.qkv.lora_A", {3, 1}, {1, 2, 3}},
                           {"transformer.h.0.attn.qkv.lora_B", {4, 1}, {1, 2, 3, 4}}}));
  expect_part(refusal_of(path), "queries, keys and values");
}

TEST_F(OtherFormats, PicklesAreRefusedByName) {
  for (const auto& [name, start, part] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"adapter_0.pt", "PK\3\4", "Python pickle"},
           {"lit_model.pth.lora", "PK\3\4", "hyperparameters.yaml"},
           {"pytorch_lora_weights.bin", "\x80\2", "weights_only=True"},
           {"adapters.npz", "PK\3\4", "mlx.core"}}) {
    write(folder / name, start);
    EXPECT_TRUE(is_adapter(folder / name));
    EXPECT_EQ(read_adapter(folder.path()).path, folder / name);
    expect_part(read_adapter(folder / name).refused, part);
    expect_part(message_of([&] { read_adapters({folder / name}); }), part);
    fs::remove(folder / name);
  }
  write(folder / "lora'; rm -rf x.pt", "PK\3\4");
  expect_part(read_adapter(folder.path()).refused, "torch.load('FILE'");
  write(folder / "adapter.txt", "text");
  EXPECT_FALSE(is_adapter(folder / "adapter.txt"));
}

TEST_F(OtherFormats, AFolderMeansTheOneAdapterInIt) {
  const std::vector<std::string> kohya = {"lora_unet_m.lora_up.weight",
                                          "lora_unet_m.lora_down.weight"};
  read(kohya);
  write(folder / "notes.txt", "notes");
  write(folder / "model.safetensors", safetensors(ones_of({"m.weight", "m.scale", "m.alpha"})));
  EXPECT_FALSE(is_adapter(folder / "model.safetensors"));
  EXPECT_TRUE(is_adapter(folder.path()));
  EXPECT_EQ(read_adapter(folder.path()).path, path);
  write(folder / "two.safetensors", safetensors(ones_of(kohya)));
  EXPECT_EQ(refusal_of(folder.path()),
            quoted(folder.path()) +
                " has several adapters: name one of them, 'one.safetensors' or 'two.safetensors'");
  write(folder / "config.json", "{}");
  EXPECT_FALSE(is_adapter(folder.path()));
}

TEST_F(OtherFormats, FilesThatAreNoneHaveTheirOwnReasons) {
  expect_part(refusal_of(path), "does not exist");
  write(path, "broken file");
  expect_part(refusal_of(path), "is not a safetensors file");
  write(path, safetensors(ones_of({"m.weight"})));
  expect_part(refusal_of(path), "no adapter of a format that revlora knows");
  write(folder / "a.json", "{}");
  expect_part(refusal_of(folder / "a.json"), "no adapter of a format that revlora knows");
}

}  // namespace
}  // namespace revlora::tool::test
