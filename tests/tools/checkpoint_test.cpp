// Models on disk: which files they are made of, and which folders are not clear enough.
#include "checkpoint/checkpoint.hpp"

#include "handmade_gguf.hpp"
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

std::string refusal(const fs::path& path, const std::string& weights) {
  return message_of([&] { checkpoint(path, weights); });
}

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

std::string only_note_of(const checkpoint& model) {
  EXPECT_EQ(model.notes().size(), 1u);
  return model.notes().empty() ? "" : model.notes().front();
}

/// One F32 number.
std::string tensor_called(const std::string& name, float value = 1) {
  return safetensors({{name, {1}, {value}}});
}

using names = std::vector<std::string>;

TEST(Checkpoint, AFileOrAFolderWithOne) {
  const temporary_folder folder;
  write(folder / "some.safetensors", one_tensor);
  EXPECT_EQ(checkpoint(folder / "some.safetensors").path(), folder / "some.safetensors");
  EXPECT_EQ(checkpoint(folder.path()).shards(), names{"some.safetensors"});
  EXPECT_EQ(checkpoint(folder / "").path(), folder.path());
  write(folder / "other.safetensors", one_tensor);
  expect_part(refusal(folder.path()), "several sets of weights: 'other.safetensors', 'some.saf");
  EXPECT_EQ(checkpoint(folder.path(), "some.safetensors").shards(), names{"some.safetensors"});
  write(folder / "model.safetensors", one_tensor);
  EXPECT_EQ(checkpoint(folder.path()).shards(), names{"model.safetensors"});
}

TEST(Checkpoint, SeveralShardsWithAnIndex) {
  const checkpoint model(data / "llama-bf16");
  EXPECT_EQ(model.shards().size(), 3u);
  EXPECT_EQ(model.tensors().size(), 21u);
  const std::size_t last = model.find("lm_head.weight")->shard;
  EXPECT_EQ(model.shards()[last], "model-00003-of-00003.safetensors");
  EXPECT_EQ(model.leaf_of(last), model.shards()[last]);
  EXPECT_EQ(model.folder_of(last).path(), model.home().path());
  EXPECT_EQ(model.index_of(last)->name, "model.safetensors.index.json");
  EXPECT_TRUE(model.notes().empty());
  EXPECT_EQ(model.config()->at("model_type"), "llama");
}

TEST(Checkpoint, AnIndexOfAnyName) {
  const temporary_folder folder;
  const auto expect_set = [&](const std::string& index, const std::string& shard) {
    fs::remove_all(folder / "m");
    write(folder / "m" / shard, one_tensor);
    write(folder / "m" / index, R"({"weight_map":{"a":")" + shard + "\"}}");
    EXPECT_EQ(checkpoint(folder / "m").shards(), names{shard}) << index;
    const checkpoint named(folder / "m" / index);  // itself
    EXPECT_EQ(named.shards(), names{shard});
    EXPECT_TRUE(named.is_folder());
    EXPECT_EQ(named.path(), folder / "m");
    EXPECT_EQ(named.indexes().front().leaf, index);
  };
  expect_set("diffusion_pytorch_model.safetensors.index.json",
             "diffusion_pytorch_model-00001-of-00001.safetensors");
  expect_set("model.safetensors.index.fp16.json", "model.fp16-00001-of-00001.safetensors");
  expect_set("model.safetensors.index.json", "model.safetensors");
}

TEST(Checkpoint, AShardIsNotAModelButAnOnlyFileIs) {
  const temporary_folder folder;
  write(folder / "1.safetensors", one_tensor);
  write(folder / "2.safetensors", tensor_called("b"));
  write(folder / "model.safetensors.index.json",
        R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  write(folder / "config.json", "{}");
  const std::string home = quoted(folder.path());
  expect_part(refusal(folder / "1.safetensors"),
              "one of 2 files of a model: name their folder, " + home);
  expect_part(refusal(folder / "config.json"), "name the model's folder, " + home);
  expect_part(refusal(folder.path(), "2.safetensors"), "--weights model.safetensors.index.json");
  write(folder / "3.safetensors", one_tensor);
  EXPECT_EQ(checkpoint(folder / "3.safetensors").shards(), names{"3.safetensors"});
  EXPECT_EQ(checkpoint(folder.path(), "3.safetensors").shards(), names{"3.safetensors"});
  expect_part(refusal(folder / "3.safetensors", "1.safetensors"), "is a file");
  write(folder / "model.safetensors.index.json", R"({"weight_map":{"a":"1.safetensors"}})");
  EXPECT_EQ(checkpoint(folder / "1.safetensors").shards(), names{"1.safetensors"});
}

TEST(Checkpoint, OfSetsSideBySideTheUserSaysWhich) {
  const temporary_folder folder;
  write(folder / "model.safetensors", one_tensor);
  write(folder / "model.fp16.safetensors", one_tensor);
  expect_part(refusal(folder.path()),
              "several sets of weights: 'model.fp16.safetensors', 'model.safetensors': say which");
  EXPECT_EQ(checkpoint(folder.path(), "model.fp16.safetensors").shards(),
            names{"model.fp16.safetensors"});
  expect_part(refusal(folder.path(), "model.bf16.safetensors"), "no set of weights");
  fs::remove(folder / "model.fp16.safetensors");
  write(folder / "s.safetensors", one_tensor);
  write(folder / "model.safetensors.index.json", R"({"weight_map":{"a":"s.safetensors"}})");
  expect_part(refusal(folder.path()), "'model.safetensors.index.json', 'model.safetensors'");
  const checkpoint chosen(folder.path(), "model.safetensors.index.json");
  EXPECT_EQ(chosen.shards(), names{"s.safetensors"});
}

TEST(Checkpoint, WhatOtherProgramsLoadIsNoSetBesideTheModel) {
  const temporary_folder folder;
  write(folder / "consolidated.safetensors", tensor_called("other"));
  write(folder / "model-00001-of-00003.safetensors", one_tensor);  // of an earlier download
  write(folder / "model-mtp.safetensors", one_tensor);
  write(folder / "model-00001-of-00001.safetensors", one_tensor);
  write(folder / "model.safetensors.index.json",
        R"({"weight_map":{"a":"model-00001-of-00001.safetensors"}})");
  EXPECT_EQ(checkpoint(folder.path()).shards(), names{"model-00001-of-00001.safetensors"});
  EXPECT_NE(checkpoint(folder.path(), "consolidated.safetensors").find("other"), nullptr);
  fs::remove(folder / "model.safetensors.index.json");
  fs::remove(folder / "model-00001-of-00001.safetensors");
  write(folder / "model.safetensors", one_tensor);
  EXPECT_EQ(checkpoint(folder.path()).shards(), names{"model.safetensors"});
}

TEST(Checkpoint, NumberedFilesDoWithoutAnIndexIfAllAreThere) {
  const temporary_folder folder;
  write(folder / "model-00001-of-00002.safetensors", one_tensor);
  expect_part(refusal(folder.path()), "1 of 2 files like 'model-00001-of-00002.safetensors'");
  write(folder / "model-00002-of-00002.safetensors", tensor_called("b"));
  EXPECT_EQ(checkpoint(folder.path()).tensors().size(), 2u);
}

TEST(Checkpoint, WhatAnIndexPromisesInVainIsANote) {
  const temporary_folder folder;
  write(folder / "1.safetensors", safetensors({{"a", {1}, {1}}, {"in no map", {1}, {2}}}));
  write(folder / "model.safetensors.index.json",
        R"({"weight_map":{"a":"1.safetensors","mtp.a":"1.safetensors","mtp.b":"2.safetensors"}})");
  const checkpoint model(folder.path());
  EXPECT_EQ(model.shards(), names{"1.safetensors"});
  EXPECT_NE(model.find("in no map"), nullptr);
  EXPECT_EQ(only_note_of(model),
            "'model.safetensors.index.json' names 2 tensors that are not there: 'mtp.a' in "
            "'1.safetensors', …");
  EXPECT_EQ(model.find("mtp.b"), nullptr);
  expect_part(*model.missing("mtp.a"), "is in '1.safetensors', which does not have it");
  expect_part(*model.missing("mtp.b"), "is in '2.safetensors', which is not there");
  EXPECT_FALSE(model.missing("a"));
  EXPECT_FALSE(model.missing("nobody's"));
}

TEST(Checkpoint, ATensorInAnotherShardThanTheIndexSaysIsFound) {
  const temporary_folder folder;
  write(folder / "1.safetensors", one_tensor);
  write(folder / "2.safetensors", tensor_called("b"));
  write(folder / "model.safetensors.index.json",
        R"({"weight_map":{"a":"2.safetensors","b":"1.safetensors"}})");
  const checkpoint model(folder.path());
  EXPECT_EQ(model.shards()[model.find("a")->shard], "1.safetensors");
  EXPECT_EQ(model.notes().size(), 2u);
  write(folder / "2.safetensors", one_tensor);
  expect_part(refusal(folder.path()), "'a' is in two files of ");
}

TEST(Checkpoint, AShardThatTheIndexOmitsIsFoundByItsNumber) {
  const temporary_folder folder;
  write(folder / "model-00001-of-00002.safetensors", one_tensor);
  write(folder / "model-00002-of-00002.safetensors", tensor_called("b"));
  write(folder / "model-00002-of-00003.safetensors", tensor_called("b"));
  write(folder / "model.safetensors.index.json",
        R"({"weight_map":{"a":"model-00001-of-00002.safetensors"}})");
  const checkpoint model(folder.path());
  EXPECT_EQ(model.shards().size(), 2u);
  EXPECT_NE(model.find("b"), nullptr);
  EXPECT_EQ(model.index_of(1), model.index_of(0));
  expect_part(only_note_of(model), "'model-00002-of-00002.safetensors' is not in 'model.safe");
}

TEST(Checkpoint, AFileOfGgufIsAModelToo) {
  const temporary_folder folder;
  const std::string content =
      gguf({}, {{"blk.0.attn_q.weight", {2, 3}, 0, 0}, {"q", {32}, 2, 32}}, std::string(64, '\0'));
  write(folder / "model-f32.gguf", content);
  const checkpoint model(folder.path());
  EXPECT_EQ(model.file_of(0).container(), tensor_container::gguf);
  EXPECT_EQ(model.find("blk.0.attn_q.weight")->entry.type(), element_type::fp32);
  EXPECT_EQ(model.find("q")->entry.type(), std::nullopt);
  write(folder / "model.safetensors", one_tensor);
  EXPECT_EQ(checkpoint(folder.path()).shards(), names{"model.safetensors"});
}

class Pipeline : public testing::Test {
 protected:
  Pipeline() {
    write(home / "model_index.json", R"({"_class_name":"P","unet":["diffusers","U"],
      "text_encoder":["transformers","T"],"vae":["diffusers","V"],"tokenizer":["transformers","K"],
      "safety_checker":[null,null]})");
    write(home / "unet/diffusion_pytorch_model.safetensors", tensor_called("w", 1));
    write(home / "unet/config.json", R"({"kind":"unet"})");
    write(home / "text_encoder/model.safetensors", tensor_called("w", 2));
    write(home / "vae/diffusion_pytorch_model.bin", "PK");
    write(home / "tokenizer/vocab.json", "{}");
  }

  temporary_folder folder;
  const fs::path home = folder / "p";
};

TEST_F(Pipeline, ItsComponentsAreOneCheckpoint) {
  const checkpoint model(home);
  EXPECT_EQ(model.components(), (names{"text_encoder", "unet"}));
  EXPECT_EQ(model.shards(),
            (names{"text_encoder/model.safetensors", "unet/diffusion_pytorch_model.safetensors"}));
  EXPECT_EQ(model.folder_of(1).path(), home / "unet");
  EXPECT_EQ(model.leaf_of(1), "diffusion_pytorch_model.safetensors");
  EXPECT_EQ(model.path_of(1), home / model.shards()[1]);
  EXPECT_EQ(model.find("w"), nullptr);
  EXPECT_EQ(model.find("unet", "w"), model.find("unet/w"));
  EXPECT_EQ(model.find("unet/w")->component, "unet");
  EXPECT_EQ(model.find("unet/w")->entry.name, "w");
  EXPECT_EQ(model.config("unet")->at("kind"), "unet");
  EXPECT_EQ(model.config("text_encoder"), nullptr);
  expect_part(only_note_of(model), "'vae' is left alone: it has only Python pickles");
}

TEST_F(Pipeline, AComponentAloneIsAModel) {
  EXPECT_NE(checkpoint(home / "unet").find("w"), nullptr);
}

TEST_F(Pipeline, OneNameChoosesTheVariantOfEveryComponent) {
  write(home / "unet/diffusion_pytorch_model.fp16-00001-of-00001.safetensors", tensor_called("w"));
  write(home / "unet/diffusion_pytorch_model.safetensors.index.fp16.json",
        R"({"weight_map":{"w":"diffusion_pytorch_model.fp16-00001-of-00001.safetensors"}})");
  write(home / "text_encoder/model.fp16.safetensors", tensor_called("w"));
  expect_part(refusal(home), "several sets of weights");
  EXPECT_EQ(checkpoint(home, "model.fp16.safetensors").shards(),
            (names{"text_encoder/model.fp16.safetensors",
                   "unet/diffusion_pytorch_model.fp16-00001-of-00001.safetensors"}));
  EXPECT_EQ(checkpoint(home, "diffusion_pytorch_model.safetensors").shards(),
            (names{"text_encoder/model.safetensors", "unet/diffusion_pytorch_model.safetensors"}));
  expect_part(refusal(home, "model.bf16.safetensors"), "several sets of weights");
}

TEST_F(Pipeline, AFileBesideTheComponentsCanBeMeant) {
  write(home / "v1-5-pruned.safetensors", one_tensor);
  EXPECT_EQ(checkpoint(home).components().size(), 2u);
  EXPECT_NE(checkpoint(home, "v1-5-pruned.safetensors").find("a"), nullptr);
}

TEST_F(Pipeline, AComponentThatWasNotDownloadedIsLeftAlone) {
  fs::remove(home / "text_encoder/model.safetensors");
  write(home / "text_encoder/model.safetensors.index.json",
        R"({"weight_map":{"w":"model-00001-of-00001.safetensors"}})");
  const checkpoint model(home);
  EXPECT_EQ(model.components(), names{"unet"});
  ASSERT_EQ(model.notes().size(), 2u);
  expect_part(model.notes().front(), "'text_encoder' is left alone: ");
  expect_part(model.notes().front(), "has all been downloaded?");
}

TEST_F(Pipeline, NamesThatLeadElsewhereAreRefused) {
  write(home / "model_index.json", R"({"../p":["diffusers","U"]})");
  expect_part(refusal(home), "not a plain file name");
}

TEST_F(Pipeline, LinksAreLeftAlone) {
  fs::rename(home / "unet", folder / "elsewhere");
  fs::create_directory_symlink(folder / "elsewhere", home / "unet");
  const checkpoint model(home);
  EXPECT_EQ(model.components(), names{"text_encoder"});
  EXPECT_EQ(model.notes().size(), 2u);
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
}

TEST(Checkpoint, AnIndexWithoutItsFilesIsNoModel) {
  const temporary_folder folder;
  write(folder / "model.safetensors.index.json", R"({"weight_map":{"a":"two.safetensors"}})");
  expect_part(refusal(folder.path()),
              "none of the files that it names is there ('two.safetensors'");
  write(folder / "model.safetensors", one_tensor);
  EXPECT_EQ(checkpoint(folder.path()).shards(), names{"model.safetensors"});
}

TEST(Checkpoint, ABrokenConfigIsANote) {
  const temporary_folder folder;
  write(folder / "model.safetensors", one_tensor);
  write(folder / "config.json", "{");
  const checkpoint model(folder.path());
  EXPECT_EQ(model.config(), nullptr);
  expect_part(only_note_of(model), "not valid JSON");
}

TEST(Checkpoint, RefusesWhatIsNoModel) {
  const temporary_folder folder;
  expect_part(refusal(folder.path()), "no .safetensors");
  write(folder / "training_args.bin", "PK");
  expect_part(refusal(folder.path()), "no .safetensors");
  write(folder / "pytorch_model.bin", "PK");
  expect_part(refusal(folder.path()), "as Python pickles ('pytorch_model.bin')");
  expect_part(refusal(folder / "missing"), "does not exist");
  write(folder / "model.safetensors", one_tensor);
  write(folder / "model.safetensors.index.json", "{}");
  expect_part(refusal(folder.path()), "several sets");
}

}  // namespace
}  // namespace revlora::tool::test
