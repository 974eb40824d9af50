// Folders of PEFT's adapters: which are some, what of them is read, and what of them is not.
#include "formats/formats.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

class PeftFolder : public testing::Test {
 protected:
  std::string refusal(const fs::path& path) {
    return message_of([&] { read_adapters({path}); });
  }
  void expect_refusal_of(const fs::path& path, const std::string& part) {
    const std::string message = refusal(path);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  /// What of the adapter is not used, with one more file beside it.
  std::string unused(const std::string& name, const std::string& content = "x") {
    write(home / name, content);
    std::string list;
    for (const unused_part& each : read_adapter(home).unused) list += each.what;
    fs::remove(home / name);
    return list;
  }

  temporary_folder folder;
  const fs::path home = write_adapter(folder / "adapter", linear("model.m", {1, 2}, {1, 2, 3}));
};

TEST_F(PeftFolder, AnyOfItsFilesMeansIt) {
  for (const char* name : {".", "adapter_model.safetensors", "adapter_config.json"}) {
    const stored_adapter read = read_adapter(home / name);
    EXPECT_EQ(read.path, home);
    EXPECT_EQ(read.updates.size(), 1u);
    EXPECT_EQ(read.refused, "");
  }
  fs::current_path(home);
  EXPECT_EQ(read_adapter("adapter_config.json").path, home);
}

TEST_F(PeftFolder, FilesMayBeLinks) {
  fs::rename(home, folder / "blobs");
  fs::create_directory(home);
  for (const char* name : {"adapter_model.safetensors", "adapter_config.json"}) {
    fs::create_symlink(folder / "blobs" / name, home / name);
  }
  EXPECT_EQ(read_adapter(home).updates.size(), 1u);
  EXPECT_EQ(read_adapter(home / "adapter_config.json").path, home);
}

TEST_F(PeftFolder, RefusesWhatIsNone) {
  expect_refusal_of(folder / "absent", "does not exist");
  write(folder / "file", "a file");
  expect_refusal_of(folder / "file", "no adapter");
  write(folder / "other/adapter_config.json", R"({"peft_type": "LORA"})");
  expect_refusal_of(folder / "other", "no adapter of a format that revlora knows");
  fs::remove(home / "adapter_config.json");
  expect_refusal_of(home, "no adapter_config.json");
}

TEST_F(PeftFolder, SeveralAdaptersAreListed) {
  write_adapter(folder / "several/reference", linear("m", {1}, {1}));
  write_adapter(folder / "several/policy", linear("m", {1}, {1}));
  write(folder / "several/other/README.md", "");
  expect_refusal_of(folder / "several", "name one of them, 'policy' or 'reference'");
  EXPECT_FALSE(is_adapter(folder / "several"));

  // Trainers leave the configuration beside a whole model, too.
  write(folder / "several/adapter_config.json", R"({"peft_type": "LORA"})");
  write(folder / "several/model.safetensors", safetensors({{"x", {1}, {1}}}));
  expect_refusal_of(folder / "several", "name one of them, 'policy' or 'reference'");
}

TEST_F(PeftFolder, PicklesAreRefusedWithTheWayOut) {
  fs::rename(home / "adapter_model.safetensors", home / "adapter_model.bin");
  const stored_adapter read = read_adapter(home);
  EXPECT_NE(read.refused.find("Python pickle"), std::string::npos);
  EXPECT_NE(read.refused.find("convert it in its folder by: python3 -c"), std::string::npos);
  EXPECT_EQ(read.description, "PEFT LoRA");
  EXPECT_TRUE(read.updates.empty());
  expect_refusal_of(home, "Python pickle");
  fs::rename(home / "adapter_model.bin", home / "adapter_model.safetensors.index.json");
  expect_refusal_of(home, "in several files");
}

TEST_F(PeftFolder, WhatIsRefusedIsDescribed) {
  write_adapter(home, linear("m", {1}, {1}), R"(,"use_dora": true)");
  stored_adapter read = read_adapter(home);
  EXPECT_EQ(read.description, "PEFT DoRA");
  EXPECT_EQ(read.updates.size(), 1u);
  expect_refusal_of(home, "use_dora");

  write(home / "adapter_config.json", R"({"peft_type": "LOHA", "r": 3})");
  write(home / "adapter_model.safetensors", safetensors({{"m.hada_w1_a", {1}, {1}}}));
  read = read_adapter(home);
  EXPECT_EQ(read.description, "PEFT LoHa");
  EXPECT_TRUE(read.updates.empty());
  const std::vector<std::pair<std::string, std::string>> facts = {
      {"peft_type", "LOHA"}, {"r", "3"}, {"tensors", "1"}};
  EXPECT_EQ(read.facts, facts);
}

TEST_F(PeftFolder, WeightsThatNobodyReadsAreNamed) {
  for (const char* trained : {"non_lora_trainables.bin", "mm_projector.bin", "value_head.pt"}) {
    EXPECT_EQ(unused(trained), quoted(trained));
  }
  EXPECT_EQ(unused("new_embeddings.safetensors", safetensors({{"input_embeddings", {1}, {1}}})),
            "'new_embeddings.safetensors'");
  EXPECT_EQ(unused("broken.safetensors"), "'broken.safetensors'");
  for (const char* needless :
       {"optimizer.pt", "scheduler.pt", "rng_state_0.pth", "training_args.bin", "scaler.pt",
        "adapter_model.bin", "tokenizer.model", "README.md", "random_states_0.pkl"}) {
    EXPECT_EQ(unused(needless), "") << needless;
  }
}

TEST_F(PeftFolder, WholeModelsBesideItAreNoneOfIt) {
  for (const char* weight : {"model.m.weight", "base.model.m.weight", "m.weight"}) {
    const std::string model = safetensors({{weight, {1}, {1}}, {"x", {1}, {1}}});
    EXPECT_EQ(unused("model.safetensors", model), "") << weight;
    write(home / "model-00001-of-00002.safetensors", model);
    EXPECT_EQ(unused("model-00002-of-00002.safetensors", safetensors({{"x", {1}, {1}}})), "");
    EXPECT_EQ(unused("new-00001-of-00001.safetensors", safetensors({{"weight", {1}, {1}}})),
              "'new-00001-of-00001.safetensors'");
  }
}

}  // namespace
}  // namespace revlora::tool::test
