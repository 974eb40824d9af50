// The index of a model's shards: every name in it is one of a file in the same folder.
#include "checkpoint/shard_index.hpp"

#include "checkpoint/edited_index.hpp"
#include "files/file_name.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

shard_index index_of(const std::string& weight_map) {
  return read_shard_index(R"({"metadata":{"total_size":1},"weight_map":)" + weight_map + "}",
                          "index");
}

TEST(ShardIndex, KnowsTheShardOfEachTensor) {
  const shard_index index = index_of(R"({"c":"2","a":"1","b":"2"})");
  EXPECT_EQ(index.shards, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(index.shard_of,
            (std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}, {"c", "2"}}));
  EXPECT_EQ(read_shard_index(read(data / "llama-bf16/model.safetensors.index.json"), "index")
                .shards.size(),
            3u);
}

TEST(ShardIndex, RefusesWhatIsNoIndex) {
  for (const char* text : {"{}", R"({"weight_map":{}})", R"({"weight_map":["a"]})"}) {
    EXPECT_EQ(message_of([&] { read_shard_index(text, "index"); }), "index: no weight_map");
  }
  EXPECT_NE(message_of([] { index_of(R"({"a":"1","a":"2"})"); }).find("twice"), std::string::npos);
}

TEST(ShardIndex, RefusesNamesThatLeadElsewhere) {
  for (const char* name : {R"("")", R"(".")", R"("..")", R"("../a")", R"("/a")", R"("a/b")",
                           R"("a/")", R"("a\u0000b")", R"("a\n")", R"("\u001b[2J")", R"("\u009b")",
                           R"("\u007f")", "7", "null", "{}"}) {
    const std::string message = message_of([&] { index_of("{\"t\":" + std::string(name) + "}"); });
    EXPECT_NE(message.find("not a plain file name"), std::string::npos) << name;
    EXPECT_NE(message.find("index: the file of 't'"), std::string::npos) << message;
    EXPECT_EQ(message.find_first_of("\n\x1b"), std::string::npos);
  }
}

TEST(EditedIndex, IsAsItWasIfNothingGrew) {
  const std::string text = read(data / "llama-bf16/model.safetensors.index.json");
  EXPECT_EQ(edited_index(text, {}, "index"), text);
}

TEST(EditedIndex, HasNewTensorsWhereItsOrderHasThem) {
  const std::string text = R"({
  "metadata": {
    "total_size": 10,
    "total_parameters": 5,
    "more": "\u00e4"
  },
  "weight_map": {
    "a": "1",
    "c": "2"
  }
}
)";
  EXPECT_EQ(edited_index(text, {.new_tensors = {{"b", "2"}}, .bytes = 8, .numbers = 4}, "index"),
            R"({
  "metadata": {
    "total_size": 18,
    "total_parameters": 9,
    "more": "\u00e4"
  },
  "weight_map": {
    "a": "1",
    "b": "2",
    "c": "2"
  }
}
)");
  EXPECT_EQ(edited_index(R"({"weight_map":{"c":"2","a":"1"}})", {.new_tensors = {{"b", "2"}}}, "i"),
            R"({"weight_map":{"c":"2","a":"1","b":"2"}})");
  EXPECT_EQ(edited_index(R"({"metadata":{"total_size":1.5e1},"weight_map":{"a":"1"}})",
                         {.new_tensors = {}, .bytes = 2}, "i"),
            R"({"metadata":{"total_size":17.0},"weight_map":{"a":"1"}})");
}

TEST(FileName, HasAtMost255BytesOfUtf8) {
  check_file_name(std::string(255, 'a'), "name");
  check_file_name("Gewichte ü…safetensors", "name");
  check_file_name("..a", "name");
  EXPECT_NE(message_of([] { check_file_name(std::string(256, 'a'), "name"); }), "");
  EXPECT_EQ(message_of([] { check_file_name("a\xff", "name"); }),
            "name is 'a\\xff': not a plain file name");
}

TEST(FileName, PathsThatNoUndoFileCanNameAreRefused) {
  require_utf8("/models/ü", "the model");
  EXPECT_NE(message_of([] {
              require_utf8("/models/\xfc", "the model");
            }).find("the model '/models/\\xfc' is not UTF-8"),
            std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
