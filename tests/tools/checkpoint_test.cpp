// Models on disk: which files they are made of, and which folders are not clear enough.
#include "checkpoint/checkpoint.hpp"

#include "support.hpp"

namespace revlora::tool::test {
namespace {

const std::string one_tensor = safetensors({{"a", {1}, {1}}});

std::string refusal(const fs::path& path) {
  return message_of([&] { checkpoint{path}; });
}

void expect_refused_index(const std::string& index, const std::string& part) {
  const temporary_folder folder;
  write(folder / "one.safetensors", one_tensor);
  write(folder / "model.safetensors.index.json", index);
  const std::string message = refusal(folder.path());
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Checkpoint, AFileOrAFolderWithOne) {
  const temporary_folder folder;
  write(folder / "some.safetensors", one_tensor);
  EXPECT_EQ(checkpoint(folder / "some.safetensors").path(), folder / "some.safetensors");
  EXPECT_EQ(checkpoint(folder.path()).shards(), std::vector<std::string>{"some.safetensors"});
  EXPECT_EQ(checkpoint(folder / "").path(), folder.path());
  write(folder / "other.safetensors", one_tensor);
  EXPECT_NE(refusal(folder.path()).find("several"), std::string::npos);
  write(folder / "model.safetensors", one_tensor);
  EXPECT_EQ(checkpoint(folder.path()).shards(), std::vector<std::string>{"model.safetensors"});
}

TEST(Checkpoint, SeveralShardsWithAnIndex) {
  const checkpoint model(data / "llama-bf16");
  EXPECT_EQ(model.shards().size(), 3u);
  EXPECT_EQ(model.tensors().size(), 21u);
  EXPECT_EQ(model.shards()[model.find("lm_head.weight")->shard],
            "model-00003-of-00003.safetensors");
}

TEST(Checkpoint, RefusesIndexesThatLeadElsewhere) {
  for (const char* name :
       {"../one.safetensors", "/one.safetensors", "sub/one.safetensors", "..", ""}) {
    expect_refused_index(R"({"weight_map":{"a":")" + std::string(name) + "\"}}",
                         "not a plain file name");
  }
  expect_refused_index(R"({"weight_map":{"a":1}})", "not a plain file name");
}

TEST(Checkpoint, RefusesIndexesThatAreWrong) {
  expect_refused_index("{}", "no weight_map");
  expect_refused_index(R"({"weight_map":{}})", "no weight_map");
  expect_refused_index(R"({"weight_map":{"b":"one.safetensors"}})",
                       "'b' is not in 'one.safetensors'");
  expect_refused_index(R"({"weight_map":{"a":"two.safetensors"}})", "two.safetensors");
}

TEST(Checkpoint, RefusesWhatIsNoModel) {
  const temporary_folder folder;
  EXPECT_NE(refusal(folder.path()).find("no .safetensors"), std::string::npos);
  EXPECT_NE(refusal(folder / "missing").find("does not exist"), std::string::npos);
  write(folder / "model.safetensors", one_tensor);
  write(folder / "model.safetensors.index.json", "{}");
  EXPECT_NE(refusal(folder.path()).find("both"), std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
