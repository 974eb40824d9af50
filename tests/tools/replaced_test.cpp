// Tensors of which a merge replaces rows, that grow or are new, or to which differences are added:
// what it makes of them, and that all bytes of the base come back, those of an index too.
#include "checkpoint/checkpoint.hpp"
#include "support.hpp"
#include "undo/undo_file.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool::test {
namespace {

class Replaced : public testing::Test {
 protected:
  Replaced() {
    write(home / "a.safetensors", safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}},
                                               {"e.weight", {4, 1}, {1, 2, 3, 4}},
                                               {"m.bias", {2}, {10, 20}}}));
    write(home / "b.safetensors", safetensors({{"n.weight", {1, 1}, {7}}}));
    write(home / "model.safetensors.index.json",
          R"({"metadata": {"total_size": 52}, "weight_map": {"m.weight": "a.safetensors",
              "e.weight": "a.safetensors", "m.bias": "a.safetensors", "n.weight": "b.safetensors"}})");
    for (const fs::path& name : names_in(home)) base[name] = read(home / name);
  }

  merge_result merge(const std::vector<handmade_tensor>& tensors, const std::string& fields = "") {
    auto all = linear("n", {2}, {3});
    all.insert(all.end(), tensors.begin(), tensors.end());
    return merge_model(
        {.model = home, .adapters = {{write_adapter(folder / "adapter", all, fields)}}});
  }

  std::vector<float> values(const std::string& name) const {
    const checkpoint model(home);
    const auto bytes = model.bytes_of(*model.find(name));
    std::vector<float> numbers(bytes.size() / 4);
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  }

  undo_tensor merged_tensor(const std::string& name) const {
    const file opened = tool::folder(home).open("model.undo", tool::folder::links::refused);
    const undo_file undo = undo_file::read(opened);
    for (const undo_shard& shard : undo.last().shards) {
      for (const undo_tensor& each : shard.tensors) {
        if (each.name == name) return each;
      }
    }
    ADD_FAILURE() << name << " is not in the undo file";
    return {};
  }

  void expect_base() const {
    for (const auto& [name, bytes] : base) EXPECT_EQ(read(home / name), bytes) << name;
  }
  void expect_base_after_unmerge() const {
    EXPECT_EQ(verify_model({.model = home}).condition, model_condition::merged);
    unmerge_model({.model = home});
    expect_base();
    EXPECT_EQ(verify_model({.model = home}).condition, model_condition::base);
  }

  const handmade_tensor grown{"base_model.model.e.weight", {6, 1}, {1, 9, 3, 4, 5, 6}};

  temporary_folder folder;
  const fs::path home = folder / "model";
  std::map<fs::path, std::string> base;
};

TEST_F(Replaced, RowsComeBack) {
  merge({{"base_model.model.e.weight", {4, 1}, {1, 9, 3, 8}}});
  EXPECT_EQ(values("e.weight"), (std::vector<float>{1, 9, 3, 8}));
  EXPECT_EQ(values("n.weight"), std::vector<float>{13});
  expect_base_after_unmerge();
}

TEST_F(Replaced, ATensorThatGrowsComesBackAndTheIndexToo) {
  merge({grown});
  EXPECT_EQ(values("e.weight"), grown.values);
  EXPECT_EQ(values("m.bias"), (std::vector<float>{10, 20}));
  EXPECT_NE(read(home / "model.safetensors.index.json").find("60"), std::string::npos);
  expect_base_after_unmerge();
}

// As download caches have it: what it leads to may be another model's.
TEST_F(Replaced, AnIndexThatIsALinkIsNotReplacedButNeedNotBe) {
  const fs::path index = home / "model.safetensors.index.json";
  fs::rename(index, folder / "index");
  fs::create_symlink(folder / "index", index);
  EXPECT_NE(message_of([&] { merge({grown}); }).find("is a symbolic link"), std::string::npos);
  EXPECT_TRUE(fs::is_symlink(index));
  expect_base();
  EXPECT_FALSE(fs::exists(home / "model.undo"));
  merge({});
  EXPECT_TRUE(fs::is_symlink(index));
  expect_base_after_unmerge();
}

TEST_F(Replaced, ATensorThatIsNewGoesAgain) {
  merge({{"base_model.model.score.weight", {1, 2}, {5, 6}}});
  EXPECT_EQ(values("score.weight"), (std::vector<float>{5, 6}));
  expect_base_after_unmerge();
  EXPECT_EQ(checkpoint(home).find("score.weight"), nullptr);
}

TEST_F(Replaced, ADifferenceIsAddedAndTakenOut) {
  auto factors = linear("m", {1, 2}, {1, 0, 0});
  factors.push_back({"base_model.model.m.lora_B.bias", {2}, {0.5f, 0.25f}});
  merge(factors, R"(, "lora_bias": true)");
  EXPECT_EQ(values("m.bias"), (std::vector<float>{10.5f, 20.25f}));
  EXPECT_EQ(values("m.weight"), (std::vector<float>{2, 2, 3, 6, 5, 6}));
  expect_base_after_unmerge();
}

TEST_F(Replaced, AReplacedTensorMayGetAnUpdateToo) {
  auto factors = linear("m", {1, 2}, {1, 0, 0});
  factors.push_back({"base_model.model.m.weight", {2, 3}, {7, 7, 7, 4, 5, 6}});
  merge(factors);
  EXPECT_EQ(values("m.weight"), (std::vector<float>{8, 7, 7, 6, 5, 6}));
  expect_base_after_unmerge();
}

// Rows between two others are kept with them where saying that they are not would take more room.
TEST_F(Replaced, KeptRowsAreRuns) {
  const auto runs_of = [&](const std::vector<int>& shape, const std::vector<std::size_t>& changed) {
    const fs::path model = folder / "one.safetensors";
    const auto count = static_cast<std::size_t>(shape[0] * shape[1]);
    std::vector<float> values(count, 1);
    write(model, safetensors({{"e.weight", shape, values}}));
    const std::string before = read(model);
    for (const std::size_t row : changed) values[row * static_cast<std::size_t>(shape[1])] = 2;
    const auto adapter =
        write_adapter(folder / "rows", {{"base_model.model.e.weight", shape, values}});
    merge_model({.model = model, .adapters = {{adapter}}});
    const file opened = tool::folder(folder.path()).open("one.undo", tool::folder::links::refused);
    const auto runs = undo_file::read(opened).last().shards[0].tensors[0].windows[0].kept_rows;
    unmerge_model({.model = model});
    EXPECT_EQ(read(model), before);
    fs::remove(folder / "one.undo");
    return runs;
  };
  const std::vector<int> narrow = {12, 1}, wide = {12, 8};
  EXPECT_EQ(runs_of(narrow, {0, 1}), (std::vector<row_run>{{0, 2}}));
  EXPECT_EQ(runs_of(narrow, {1, 6, 11}), (std::vector<row_run>{{1, 11}}));  // 4 rows of 4 bytes
  EXPECT_EQ(runs_of(narrow, {1, 7}), (std::vector<row_run>{{1, 1}, {7, 1}}));
  EXPECT_EQ(runs_of(wide, {3, 4, 6, 11}), (std::vector<row_run>{{3, 2}, {6, 1}, {11, 1}}));
}

TEST_F(Replaced, ASwapFromAndToReplacedValuesIsExact) {
  const auto replacing = write_adapter(folder / "replacing",
                                       {{"base_model.model.m.weight", {2, 3}, {7, 7, 7, 4, 5, 6}}});
  const auto growing = write_adapter(folder / "growing", {grown});
  const auto adding = write_adapter(folder / "adding", linear("m", {1, 2}, {1, 0, 0}));
  const std::vector<fs::path> all = {replacing, growing, adding};
  for (const fs::path& to : all) {
    merge_model({.model = home, .adapters = {{to}}});
    std::map<fs::path, std::string> expected;
    for (const auto& [name, bytes] : base) expected[name] = read(home / name);
    unmerge_model({.model = home});
    for (const fs::path& from : all) {
      SCOPED_TRACE(from.string() + " to " + to.string());
      merge_model({.model = home, .adapters = {{from}}});
      swap_model({.model = home, .to = {{to}}});
      for (const auto& [name, bytes] : expected) EXPECT_EQ(read(home / name), bytes) << name;
      expect_base_after_unmerge();
    }
  }
}

class CutOffGrowth : public Replaced {
 protected:
  CutOffGrowth() {
    merge({grown});
    for (const auto& [name, bytes] : base) merged[name] = read(home / name);
  }

  /// As after a crash behind the last file that is in its place.
  void put_back(const std::vector<std::string>& names) const {
    for (const std::string& name : names) write(home / name, base.at(name));
    EXPECT_EQ(verify_model({.model = home}).condition, model_condition::partly_merged);
  }

  void expect_merged() const {
    for (const auto& [name, bytes] : merged) EXPECT_EQ(read(home / name), bytes) << name;
  }

  std::map<fs::path, std::string> merged;
  const std::vector<std::vector<std::string>> states = {
      {"model.safetensors.index.json"}, {"model.safetensors.index.json", "b.safetensors"}};
};

TEST_F(CutOffGrowth, UnmergeLeadsToTheBase) {
  for (const auto& names : states) {
    put_back(names);
    unmerge_model({.model = home});
    expect_base();
    merge({grown});
    expect_merged();
  }
}

TEST_F(CutOffGrowth, TheSameMergeAgainFinishesIt) {
  for (const auto& names : states) {
    put_back(names);
    EXPECT_TRUE(merge({grown}).is_finished_earlier);
    expect_merged();
  }
  expect_base_after_unmerge();
}

}  // namespace
}  // namespace revlora::tool::test
