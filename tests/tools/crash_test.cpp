// A crash at any point of a merge or an unmerge leaves files from which the base comes back.
//
// The order of events: temporaries are written; the undo file's temporary is written and renamed;
// each shard's temporary is renamed over the shard. The states between them are made by hand here.
#include "support.hpp"

namespace revlora::tool::test {
namespace {

class Crash : public testing::Test {
 protected:
  Crash() {
    for (const auto& name : names_in(original)) {
      if (fs::is_regular_file(original / name)) fs::copy_file(original / name, model() / name);
    }
    fs::current_path(model());
    EXPECT_EQ(revlora("merge . " + adapter).status, 0);
    for (const auto& shard : shards) {
      fs::rename(model() / shard, merged / shard);
      fs::copy_file(original / shard, model() / shard);
    }
    fs::rename(model() / "model.undo", merged / "model.undo");
  }

  const fs::path& model() const { return folder.path(); }

  /// As after a crash: the undo file is there, and the first `replaced` of three shards are merged.
  void crash_after(int replaced) const {
    fs::copy_file(merged / "model.undo", model() / "model.undo",
                  fs::copy_options::overwrite_existing);
    for (int i = 0; i < 3; ++i) {
      fs::copy_file((i < replaced ? merged.path() : original) / shards[i], model() / shards[i],
                    fs::copy_options::overwrite_existing);
    }
  }

  void leave_temporaries() const {
    for (const auto& shard : shards) write(model() / (shard + ".merging"), "half a");
    write(model() / "model.undo.merging", "half an");
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

TEST_F(Crash, WhileTemporariesAreWritten) {
  leave_temporaries();
  expect_refusal(revlora("unmerge ."), "no undo file");
  expect_base();
  const outcome again = revlora("merge . " + adapter);
  EXPECT_EQ(again.status, 0) << again.output;
  expect_merged();
  for (const auto& name : names_in(model())) EXPECT_NE(name.extension(), ".merging") << name;
  EXPECT_EQ(revlora("unmerge .").status, 0);
  expect_base();
}

TEST_F(Crash, AfterTheUndoFileAndBeforeTheFirstShard) {
  crash_after(0);
  leave_temporaries();
  expect_refusal(revlora("unmerge ."), "already at the base");
  expect_base();
  EXPECT_EQ(revlora("merge . " + adapter).status, 0);
  expect_merged();
}

TEST_F(Crash, BetweenTheShards) {
  for (const int replaced : {1, 2, 3}) {
    crash_after(replaced);
    leave_temporaries();
    expect_refusal(revlora("merge . " + adapter),
                   replaced == 3 ? "is merged already" : "partly merged already");
    const outcome unmerged = revlora("unmerge .");
    EXPECT_EQ(unmerged.status, 0) << unmerged.output;
    expect_base();
    EXPECT_TRUE(fs::exists(model() / "model.undo"));
  }
}

TEST_F(Crash, WhileUnmerging) {  // the last shards are still merged, instead of the first
  crash_after(3);
  fs::copy_file(original / shards[0], model() / shards[0], fs::copy_options::overwrite_existing);
  leave_temporaries();
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
