// A crash at any point of a merge or an unmerge leaves files from which the base comes back.
//
// The order of events: for each shard its new self is written in a workshop, the undo file gets the
// section that leads back, and the new shard is renamed over the old. The states between them are
// made by hand here; tests/tools/faults stops the program itself at every call.
#include "../undo_frames.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

class Crash : public testing::Test {
 protected:
  Crash() {
    for (const auto& name : names_in(original)) {
      if (fs::is_regular_file(original / name)) copy_for_writing(original / name, model() / name);
    }
    fs::current_path(model());
    EXPECT_EQ(revlora("merge . " + adapter).status, 0);
    for (const auto& shard : shards) {
      fs::rename(model() / shard, merged / shard);
      copy_for_writing(original / shard, model() / shard);
    }
    fs::rename(model() / "model.undo", merged / "model.undo");
  }

  const fs::path& model() const { return folder.path(); }

  /// As after a crash: the undo file is there, and the first `replaced` of three shards are merged.
  void crash_after(int replaced) const {
    copy_for_writing(merged / "model.undo", model() / "model.undo");
    for (int i = 0; i < 3; ++i) {
      copy_for_writing((i < replaced ? merged.path() : original) / shards[i], model() / shards[i]);
    }
  }

  /// The undo file as it is on disk before so many shards have their places.
  void end_the_undo_file_after(int shards_in_it) const {
    auto frames = tests::frames_in(read(model() / "model.undo"));
    frames.resize(static_cast<std::size_t>(1 + shards_in_it));  // a merge comes before them
    write(model() / "model.undo", tests::undo_file_of(frames, false) + "half a section");
  }

  /// As a run that was killed leaves its workshop.
  void leave_workshop() const {
    const fs::path workshop = model() / ".revlora-abc123";
    write(workshop / "0", "half a shard");
    write(workshop / "undo", "half an undo file");
    write(workshop / "model" / "config.json", "{}");
    write(workshop / "workshop", workshop_mark);
  }

  void expect_no_workshop() const {
    for (const auto& name : names_in(model())) EXPECT_NE(name.string().front(), '.') << name;
  }

  void expect_base() const {
    for (const auto& shard : shards) expect_equal_files(model() / shard, original / shard);
  }

  void expect_merged() const {
    for (const auto& shard : shards) expect_equal_files(model() / shard, merged / shard);
  }

  const fs::path original = data / "llama-bf16";
  const std::string adapter = "'" + (original / "patterns").string() + "'";
  const std::vector<std::string> shards = {"model-00001-of-00003.safetensors",
                                           "model-00002-of-00003.safetensors",
                                           "model-00003-of-00003.safetensors"};
  temporary_folder folder;
  temporary_folder merged;  ///< what an undisturbed merge gives
};

TEST_F(Crash, WhileCopiesAreWritten) {
  leave_workshop();
  const outcome told = revlora("info .");
  EXPECT_NE(told.output.find(".revlora-abc123' (31 bytes)"), std::string::npos) << told.output;
  const outcome refused = revlora("unmerge .");
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("removed what an interrupted run had left"), std::string::npos);
  EXPECT_NE(refused.output.find("no undo file"), std::string::npos) << refused.output;
  expect_no_workshop();
  expect_base();
  leave_workshop();
  const outcome again = revlora("merge . " + adapter);
  EXPECT_EQ(again.status, 0) << again.output;
  expect_merged();
  expect_no_workshop();
  EXPECT_EQ(revlora("unmerge .").status, 0);
  expect_base();
}

TEST_F(Crash, AfterTheUndoFileAndBeforeTheFirstShard) {
  crash_after(0);
  leave_workshop();
  const outcome refused = revlora("unmerge .");
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("already at the base"), std::string::npos) << refused.output;
  expect_base();
  EXPECT_EQ(revlora("merge . " + adapter).status, 0);
  expect_merged();
  EXPECT_EQ(revlora("unmerge .").status, 0);
  expect_base();
}

TEST_F(Crash, BetweenTheShards) {
  for (const int replaced : {1, 2, 3}) {
    crash_after(replaced);
    leave_workshop();
    const outcome unmerged = revlora("unmerge .");
    EXPECT_EQ(unmerged.status, 0) << unmerged.output;
    expect_base();
    EXPECT_TRUE(fs::exists(model() / "model.undo"));
    expect_no_workshop();
  }
}

TEST_F(Crash, TheSameMergeAgainFinishesIt) {
  for (const bool was_noticed : {false, true}) {  // by an undo file that is not finished
    for (const int replaced : {1, 2}) {
      SCOPED_TRACE(replaced);
      crash_after(replaced);
      if (was_noticed) end_the_undo_file_after(replaced);
      leave_workshop();
      EXPECT_EQ(revlora("verify .").status, 2);
      const outcome other = revlora("merge . '" + (original / "lora-qv-r8").string() + "'");
      EXPECT_EQ(other.status, 1);
      EXPECT_NE(other.output.find("ask for the same again"), std::string::npos) << other.output;
      const outcome again = revlora("merge . " + adapter);
      EXPECT_EQ(again.status, 0) << again.output;
      expect_merged();
      expect_no_workshop();
      EXPECT_EQ(revlora("verify .").status, 4);
      EXPECT_EQ(revlora("unmerge .").status, 0);
      expect_base();
    }
  }
}

TEST_F(Crash, AfterTheLastShardNothingIsLeftToDo) {
  crash_after(3);
  end_the_undo_file_after(3);
  const outcome refused = revlora("merge . " + adapter);
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("is merged already"), std::string::npos) << refused.output;
  EXPECT_EQ(revlora("unmerge .").status, 0);
  expect_base();
}

// The section of a shard is on disk before the shard has its place.
TEST_F(Crash, BetweenTheUndoFileAndTheShard) {
  for (const int replaced : {0, 1, 2}) {
    SCOPED_TRACE(replaced);
    crash_after(replaced);
    end_the_undo_file_after(replaced + 1);
    EXPECT_EQ(revlora("merge . " + adapter).status, 0);
    expect_merged();
    EXPECT_EQ(revlora("unmerge .").status, 0);
    expect_base();
  }
}

TEST_F(Crash, WhileUnmerging) {  // the last shards are still merged, instead of the first
  crash_after(3);
  copy_for_writing(original / shards[0], model() / shards[0]);
  leave_workshop();
  const outcome unmerged = revlora("unmerge .");
  EXPECT_EQ(unmerged.status, 0) << unmerged.output;
  EXPECT_NE(unmerged.output.find("were at the base already"), std::string::npos) << unmerged.output;
  expect_base();
}

TEST_F(Crash, AShardThatSomebodyChangedStopsTheUnmerge) {
  crash_after(2);
  std::string bytes = read(model() / shards[2]);
  bytes[bytes.size() / 2] ^= 1;
  write(model() / shards[2], bytes);
  const std::string first = read(model() / shards[0]);
  const outcome refused = revlora("unmerge .");
  EXPECT_EQ(refused.status, 1);
  EXPECT_TRUE(read(model() / shards[0]) == first);
}

}  // namespace
}  // namespace revlora::tool::test
