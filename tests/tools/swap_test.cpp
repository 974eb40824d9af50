// From one set of adapters to another: the weights and the undo file are those of a merge into the
// base, whatever was merged before, and whenever it is cut off.
#include "../undo_frames.hpp"
#include "small_model.hpp"

namespace revlora::tool::test {
namespace {

class Swap : public SmallModel {
 protected:
  struct merged_state {
    std::string model, undo;
  };

  /// What a merge makes of the base.
  merged_state merge_of(const std::string& adapters) const {
    write(model, base);
    fs::remove(undo);
    expect_done("merge model.safetensors " + adapters);
    return {read(model), read(undo)};
  }

  /// What is kept, without the headers, which name files by their inodes and times.
  static std::vector<std::string> bodies_in(const std::string& undo_file) {
    std::vector<std::string> bodies;
    for (const auto& frame : tests::frames_in(undo_file)) bodies.push_back(frame.body);
    return bodies;
  }

  void expect_base_after_unmerge() const {
    expect_done("unmerge model.safetensors");
    EXPECT_EQ(read(model), base);
  }
};

TEST_F(Swap, IsAMergeIntoTheBase) {
  const std::vector<std::string> sets = {
      "adapter", "other", "half", "nothing", "adapter other=0.5", "half=-2 other", "adapter half"};
  for (const std::string& from : sets) {
    for (const std::string& to : sets) {
      SCOPED_TRACE(from + " to " + to);
      const merged_state expected = merge_of(to);
      merge_of(from);
      expect_done("swap model.safetensors --to " + to);
      EXPECT_EQ(read(model), expected.model);
      EXPECT_EQ(bodies_in(read(undo)), bodies_in(expected.undo));
      if (to != "nothing") expect_base_after_unmerge();
    }
  }
}

TEST_F(Swap, GoesOnAndOn) {
  const merged_state expected = merge_of("adapter");
  for (const std::string to : {"other", "half", "adapter"}) {
    expect_done("swap model.safetensors --to " + to);
  }
  EXPECT_EQ(read(model), expected.model);
  EXPECT_EQ(read(undo).size(), expected.undo.size());
  expect_base_after_unmerge();
}

TEST_F(Swap, NeedsNoCopyOfTheOldAdapters) {
  const merged_state expected = merge_of("other");
  merge_of("adapter half");
  fs::remove_all(folder / "adapter");
  fs::remove_all(folder / "half");
  expect_done("swap model.safetensors --to other");
  EXPECT_EQ(read(model), expected.model);
  expect_base_after_unmerge();
}

TEST_F(Swap, ToNoneIsAnUnmerge) {
  merge_of("adapter");
  expect_done("swap model.safetensors --to none");
  EXPECT_EQ(read(model), base);
  expect_refused("swap model.safetensors --to none", "is at the base");
}

TEST_F(Swap, AtTheBaseIsAMerge) {
  const merged_state expected = merge_of("adapter");
  expect_base_after_unmerge();
  expect_done("swap model.safetensors --to adapter");
  EXPECT_EQ(read(model), expected.model);
  expect_base_after_unmerge();
}

TEST_F(Swap, ADryRunWritesNothing) {
  merge_of("adapter");
  const std::string merged = read(model), leads_back = read(undo);
  const auto names = names_in(folder.path());
  expect_done("swap model.safetensors --to other half --dry-run");
  expect_done("swap model.safetensors --to none --dry-run");
  EXPECT_EQ(read(model), merged);
  EXPECT_EQ(read(undo), leads_back);
  EXPECT_EQ(names_in(folder.path()), names);
}

TEST_F(Swap, OfWeightsThatSomebodyChangedIsRefused) {
  merge_of("adapter");
  std::string bytes = read(model);
  bytes[bytes.size() - 8] ^= 1;
  write(model, bytes);
  expect_refused("swap model.safetensors --to other", "neither merged nor at the base");
}

TEST_F(Swap, ToWhatCannotBeMergedLeavesAllAsItWas) {
  merge_of("adapter");
  write_adapter(folder / "misfit", linear("m", {1}, {1}));
  expect_refused("swap model.safetensors --to misfit", "do not fit");
}

/// A model of three shards, cut off while it is swapped.
class CutOffSwap : public testing::Test {
 protected:
  CutOffSwap() {
    for (const auto& name : names_in(original)) {
      if (fs::is_regular_file(original / name)) copy_for_writing(original / name, model / name);
    }
    fs::current_path(model);
    before = merged(old_adapter);
    after = merged(new_adapter);
  }

  struct state {
    std::vector<std::string> shards;
    std::string undo;
  };

  state now() const {
    state all;
    for (const std::string& shard : shards) all.shards.push_back(read(shard));
    all.undo = fs::exists(undo) ? read(undo) : "";
    return all;
  }

  state merged(const std::string& adapter) const {
    EXPECT_EQ(revlora("merge . " + adapter).status, 0);
    state made = now();
    EXPECT_EQ(revlora("unmerge .").status, 0);
    fs::remove(undo);
    return made;
  }

  /// As after so many shards have their places: the undo file has what is of the first merge, and
  /// of the new one so many sections.
  void cut_off(std::size_t replaced, std::size_t sections) const {
    auto frames = tests::frames_in(before.undo);
    auto news = tests::frames_in(after.undo);
    news.resize(1 + sections);
    frames.insert(frames.end(), news.begin(), news.end());
    write(undo, tests::undo_file_of(frames, false) + "half a section");
    for (std::size_t i = 0; i < shards.size(); ++i) {
      write(model / shards[i], (i < replaced ? after : before).shards[i]);
    }
  }

  void expect_base() const {
    for (const std::string& shard : shards) expect_equal_files(shard, original / shard);
  }

  const fs::path original = data / "llama-bf16";
  const std::string old_adapter = "'" + (original / "lora-qv-r8").string() + "'";
  const std::string new_adapter = "'" + (original / "patterns").string() + "'";
  const std::vector<std::string> shards = {"model-00001-of-00003.safetensors",
                                           "model-00002-of-00003.safetensors",
                                           "model-00003-of-00003.safetensors"};
  temporary_folder folder;
  const fs::path model = folder.path();
  const fs::path undo = folder / "model.undo";
  state before, after;
};

TEST_F(CutOffSwap, TheSameAgainFinishesIt) {
  for (std::size_t replaced = 0; replaced < shards.size(); ++replaced) {
    for (const std::size_t more : {0, 1}) {
      SCOPED_TRACE(std::to_string(replaced) + " + " + std::to_string(more));
      cut_off(replaced, replaced + more);
      const outcome again = revlora("swap . --to " + new_adapter);
      EXPECT_EQ(again.status, 0) << again.output;
      EXPECT_EQ(now().shards, after.shards);
      EXPECT_EQ(revlora("verify .").status, 4);
      EXPECT_EQ(revlora("unmerge .").status, 0);
      expect_base();
      fs::remove(undo);
    }
  }
}

TEST_F(CutOffSwap, UnmergeLeadsToTheBase) {
  for (std::size_t replaced = 0; replaced < shards.size(); ++replaced) {
    SCOPED_TRACE(replaced);
    cut_off(replaced, replaced + 1);
    EXPECT_EQ(revlora("verify .").status, replaced == 0 ? 4 : 2);
    const outcome unmerged = revlora("unmerge .");
    EXPECT_EQ(unmerged.status, 0) << unmerged.output;
    expect_base();
    fs::remove(undo);
  }
}

TEST_F(CutOffSwap, AnotherSwapStartsFromWhereItIs) {
  const std::string third = "'" + (original / "rslora-all-r32").string() + "'";
  const state expected = merged(third);
  cut_off(1, 1);
  const outcome swapped = revlora("swap . --to " + third);
  EXPECT_EQ(swapped.status, 0) << swapped.output;
  EXPECT_EQ(now().shards, expected.shards);
  EXPECT_EQ(revlora("unmerge .").status, 0);
  expect_base();
}

// Before the compacted undo file has its place.
TEST_F(CutOffSwap, AfterTheLastShardItIsMerged) {
  cut_off(3, 3);
  EXPECT_EQ(revlora("verify .").status, 4);
  const outcome refused = revlora("merge . " + new_adapter);
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("is merged already"), std::string::npos) << refused.output;
  EXPECT_EQ(revlora("unmerge .").status, 0);
  expect_base();
}

TEST_F(CutOffSwap, AMergeIsToldOfTheSwap) {
  cut_off(1, 1);
  const outcome refused = revlora("merge . " + new_adapter);
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("a swap was interrupted"), std::string::npos) << refused.output;
}

}  // namespace
}  // namespace revlora::tool::test
