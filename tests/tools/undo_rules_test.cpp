// When a merge or an unmerge is refused, and that nothing is written then.
#include "files/folder.hpp"
#include "small_model.hpp"

namespace revlora::tool::test {
namespace {

class UndoRules : public SmallModel {};

TEST_F(UndoRules, MergingTwiceIsRefused) {
  expect_done("merge model.safetensors adapter");
  expect_refused("merge model.safetensors adapter", "is merged already");
  expect_refused("merge model.safetensors other", "is merged already");
  expect_refused("merge model.safetensors half", "is merged already");
}

TEST_F(UndoRules, AnotherUndoFileStacksMerges) {
  expect_done("merge model.safetensors adapter");
  const std::string once = read(model);
  expect_done("merge model.safetensors other --undo second.undo");
  expect_refused("unmerge model.safetensors", "neither merged nor at the base");
  expect_done("unmerge model.safetensors --undo second.undo");
  EXPECT_EQ(read(model), once);
  expect_done("unmerge model.safetensors");
  EXPECT_EQ(read(model), base);
}

TEST_F(UndoRules, AtTheBaseTheUndoFileIsOverwritten) {
  expect_done("merge model.safetensors adapter");
  expect_done("unmerge model.safetensors");
  const auto names = names_in(folder.path());
  for (int i = 0; i < 3; ++i) {
    expect_done("merge model.safetensors other");
    expect_done("unmerge model.safetensors");
    EXPECT_EQ(read(model), base);
    EXPECT_EQ(names_in(folder.path()), names);
  }
}

// It leads back what was moved away, and what is there now is only like its base.
TEST_F(UndoRules, AnUndoFileOfAMovedModelIsKept) {
  write(folder / "kept", base);
  expect_done("merge model.safetensors adapter");
  const std::string merged = read(model);
  const std::string leads_back = read(undo);
  fs::rename(model, folder / "moved.safetensors");
  fs::copy_file(folder / "kept", model);

  expect_refused("merge model.safetensors other --undo model.undo", "is another file");
  const outcome again = run("merge model.safetensors other");
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_NE(again.output.find("it is kept"), std::string::npos) << again.output;
  EXPECT_TRUE(read(undo) == leads_back);
  EXPECT_TRUE(fs::exists(folder / "model.2.undo"));

  const outcome refused = run("merge model.safetensors adapter");
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("is merged already, says " + quoted(folder / "model.2.undo")),
            std::string::npos)
      << refused.output;
  expect_done("unmerge model.safetensors");
  EXPECT_EQ(read(model), base);
  EXPECT_EQ(read(folder / "moved.safetensors"), merged);
  expect_done("unmerge moved.safetensors --undo model.undo");
  EXPECT_EQ(read(folder / "moved.safetensors"), base);
}

// The numbers of inodes are used again.
TEST_F(UndoRules, TheSameInodeIsNotTheSameFile) {
  expect_done("merge model.safetensors adapter");
  std::ofstream(model, std::ios::binary | std::ios::trunc) << base;  // into the merged file
  expect_done("merge model.safetensors other");
  EXPECT_TRUE(fs::exists(folder / "model.2.undo"));
}

// Its original is merged still.
TEST_F(UndoRules, UnmergingACopyLeavesTheUndoFileToTheOriginal) {
  for (const bool is_link : {false, true}) {
    SCOPED_TRACE(is_link);
    expect_done("merge model.safetensors adapter --undo one.undo");
    const std::string merged = read(model);
    if (is_link) {
      fs::create_hard_link(model, folder / "copy.safetensors");
    } else {
      fs::copy_file(model, folder / "copy.safetensors");
    }
    fs::create_directory(folder / "sub");
    fs::rename(folder / "copy.safetensors", folder / "sub/model.safetensors");
    expect_done("unmerge sub/model.safetensors --undo one.undo");
    fs::rename(model, folder / "original.safetensors");
    fs::rename(folder / "sub/model.safetensors", model);
    expect_refused("merge model.safetensors other --undo one.undo", "another file");
    expect_done("unmerge original.safetensors --undo one.undo");
    EXPECT_EQ(read(folder / "original.safetensors"), base);
    fs::remove(folder / "one.undo");
    fs::remove(folder / "original.safetensors");
  }
}

TEST_F(UndoRules, AnotherNameOfAMergedFileKeepsItsUndoFile) {
  expect_done("merge model.safetensors adapter");
  fs::create_hard_link(model, folder / "keep.safetensors");
  expect_done("unmerge model.safetensors");
  expect_done("merge model.safetensors other");
  expect_done("unmerge keep.safetensors --undo model.undo");
  EXPECT_EQ(read(folder / "keep.safetensors"), base);
}

TEST_F(UndoRules, WhatIsInTheWayOfOneUndoFileHidesNoOther) {
  write(undo, "revlora\n, but no undo file");
  const outcome merged = run("merge model.safetensors adapter");
  EXPECT_EQ(merged.status, 0) << merged.output;
  EXPECT_TRUE(fs::exists(folder / "model.2.undo"));
  const outcome unmerged = run("unmerge model.safetensors");
  EXPECT_EQ(unmerged.status, 0) << unmerged.output;
  EXPECT_NE(unmerged.output.find("by the undo file " + (folder / "model.2.undo").string()),
            std::string::npos);
  EXPECT_EQ(read(model), base);
}

TEST_F(UndoRules, AnUndoFileOfAModelThatIsGoneIsKeptUnlessTheUserSaysSo) {
  write(folder / "copy.safetensors", base);
  expect_done("merge copy.safetensors adapter --undo shared.undo");
  fs::rename(folder / "copy.safetensors", folder / "elsewhere.safetensors");
  expect_refused("merge model.safetensors adapter --undo shared.undo", "--overwrite-undo");
  expect_done("merge model.safetensors adapter --undo shared.undo --overwrite-undo");
  expect_done("unmerge model.safetensors --undo shared.undo");
  EXPECT_EQ(read(model), base);
}

TEST_F(UndoRules, AnUndoFileInUseIsNotTouched) {
  expect_done("merge model.safetensors adapter");
  {
    const tool::folder here(folder.path());
    const file opened = here.open("model.undo", tool::folder::links::refused);
    ASSERT_TRUE(opened.lock(file::lock_kind::exclusive));
    expect_refused("unmerge model.safetensors", "another revlora is using");
    expect_refused("merge model.safetensors other", "another revlora is using");
  }
  expect_done("unmerge model.safetensors");
}

// Whoever is the first has it; the other's model is as it was.
TEST_F(UndoRules, TwoMergesIntoOneUndoFileLoseNothing) {
  write(folder / "a/model.safetensors", base);
  write(folder / "b/model.safetensors", base);
  fs::current_path(folder.path());
  for (int round = 0; round < 10; ++round) {
    const outcome both = [&] {
      const std::string start = "'" REVLORA_PROGRAM "' merge ";
      const std::string command = start +
                                  "a/model.safetensors adapter --undo one.undo & first=$!; " +
                                  start + "b/model.safetensors other --undo one.undo; " +
                                  "second=$?; wait $first; exit $(($? * 10 + second))";
      return shell(command);
    }();
    EXPECT_TRUE(both.status == 1 || both.status == 10) << both.status << both.output;
    const fs::path merged = both.status == 1 ? "a/model.safetensors" : "b/model.safetensors";
    const fs::path other = both.status == 1 ? "b/model.safetensors" : "a/model.safetensors";
    EXPECT_EQ(read(other), base);
    EXPECT_NE(read(merged), base);
    expect_done("unmerge " + merged.string() + " --undo one.undo");
    EXPECT_EQ(read(merged), base);
    fs::remove("one.undo");
  }
}

// They look for what others left while others begin.
TEST_F(UndoRules, ManyMergesAtOnceDoNotDisturbEachOther) {
  constexpr int models = 12;
  std::string all;
  for (int i = 0; i < models; ++i) {
    const std::string name = std::to_string(i);
    write(folder / name / "model.safetensors", base);
    all += "'" REVLORA_PROGRAM "' merge " + name + " adapter --undo undo/" + name +
           ".undo || echo failed & ";
  }
  fs::create_directory(folder / "undo");
  fs::current_path(folder.path());
  for (int round = 0; round < 5; ++round) {
    const outcome merged = shell(all + "wait");
    EXPECT_EQ(merged.output.find("failed"), std::string::npos) << merged.output;
    EXPECT_EQ(names_in(folder / "undo").size(), static_cast<std::size_t>(models));
    for (int i = 0; i < models; ++i) {
      const std::string name = std::to_string(i);
      expect_done("unmerge " + name + " --undo undo/" + name + ".undo");
      EXPECT_EQ(read(folder / name / "model.safetensors"), base);
    }
  }
}

TEST_F(UndoRules, ReadOnlyFilesAreReplacedByForceOnly) {
  fs::permissions(model, fs::perms::owner_read);
  expect_refused("merge model.safetensors adapter", "is read-only");
  expect_done("merge model.safetensors adapter --force");
  EXPECT_EQ(fs::status(model).permissions(), fs::perms::owner_read);
  expect_refused("unmerge model.safetensors", "is read-only");
  expect_done("unmerge model.safetensors --force");
  EXPECT_EQ(read(model), base);
}

TEST_F(UndoRules, AHardLinkThatPartsIsSaid) {
  fs::create_hard_link(model, folder / "name.safetensors");
  const outcome merged = run("merge model.safetensors adapter");
  EXPECT_EQ(merged.status, 0);
  EXPECT_NE(merged.output.find("1 other name (a hard link)"), std::string::npos) << merged.output;
  EXPECT_EQ(read(folder / "name.safetensors"), base);
}

TEST_F(UndoRules, AnythingElseInItsPlaceIsRefused) {
  write(undo, "my notes");
  expect_refused("merge model.safetensors adapter", "is not an undo file");
  fs::remove(undo);
  fs::create_directory(undo);
  expect_refused("merge model.safetensors adapter", "is not a file");
  fs::remove(undo);
  expect_refused("merge model.safetensors adapter --undo model.safetensors", "");
  expect_refused("merge model.safetensors adapter --undo new.safetensors", "must not be named");
  expect_refused("merge model.safetensors adapter --undo missing/model.undo", "no folder");
  expect_done("merge model.safetensors adapter");
  write(model, safetensors({{"m.weight", {2, 3}, {9, 2, 3, 4, 5, 6}}, {"n.weight", {1, 1}, {7}}}));
  expect_refused("merge model.safetensors adapter --undo model.undo", "another state");
  write(model, safetensors({{"m.weight", {1, 1}, {9}}, {"n.weight", {1, 1}, {7}}}));
  expect_refused("merge model.safetensors half --undo model.undo", "another state");
  fs::remove(undo);
  fs::create_symlink("elsewhere", undo);
  expect_refused("merge model.safetensors half", "is a symbolic link");
  EXPECT_FALSE(fs::exists(folder / "elsewhere"));
}

TEST_F(UndoRules, AnUndoFileThatAnotherModelNeedsIsKept) {
  write(folder / "copy.safetensors", base);
  expect_done("merge model.safetensors adapter");
  expect_refused("merge copy.safetensors adapter --undo model.undo",
                 "'" + model.string() + "', which is merged");
  expect_done("unmerge model.safetensors");
  expect_done("merge copy.safetensors adapter --undo model.undo");
}

TEST_F(UndoRules, UnmergingTheBaseIsRefused) {
  expect_refused("unmerge model.safetensors", "no undo file");
  expect_done("merge model.safetensors adapter");
  expect_done("unmerge model.safetensors");
  expect_refused("unmerge model.safetensors", "already at the base");
}

TEST_F(UndoRules, AMergeThatChangesNothingIsBoth) {
  expect_done("merge model.safetensors nothing");
  EXPECT_EQ(read(model), base);
  expect_done("unmerge model.safetensors");
  expect_done("merge model.safetensors nothing half");  // m stays, n changes
  expect_refused("merge model.safetensors adapter", "is merged already");
  expect_done("unmerge model.safetensors");
  EXPECT_EQ(read(model), base);
  expect_refused("unmerge model.safetensors", "already at the base");
  expect_done("merge model.safetensors adapter");
}

TEST_F(UndoRules, ChangedWeightsAndDamagedFilesAreRefused) {
  expect_done("merge model.safetensors adapter");
  std::string bytes = read(undo);
  bytes[bytes.size() / 2] ^= 1;
  write(folder / "damaged.undo", bytes);
  expect_refused("unmerge model.safetensors --undo damaged.undo", "damaged");
  std::string weights = read(model);
  weights[weights.size() - 8] ^= 1;
  write(model, weights);
  expect_refused("unmerge model.safetensors", "'m.weight' is neither merged nor at the base");
}

TEST_F(UndoRules, OutLeavesTheModelAlone) {
  expect_done("merge model.safetensors adapter --out new.safetensors");
  EXPECT_EQ(read(model), base);
  EXPECT_FALSE(fs::exists(undo));
  expect_refused("merge model.safetensors adapter --out new.safetensors", "exists already");
  expect_done("unmerge new.safetensors");
  EXPECT_EQ(read(folder / "new.safetensors"), base);
}

TEST_F(UndoRules, PermissionsStay) {
  const auto mode = fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read;
  fs::permissions(model, mode);
  expect_done("merge model.safetensors adapter");
  EXPECT_EQ(fs::status(model).permissions(), mode);
}

TEST_F(UndoRules, LinksAreNotFollowed) {
  fs::create_symlink(model, folder / "link.safetensors");
  expect_refused("merge link.safetensors adapter", "symbolic link");
  expect_done("merge link.safetensors adapter --out new.safetensors");
}

TEST_F(UndoRules, OneProcessAtATime) {
  const tool::folder here(folder.path());
  const folder_lock lock(here, file::lock_kind::exclusive);
  expect_refused("merge model.safetensors adapter", "another revlora is at work");
  expect_refused("merge model.safetensors adapter --out new.safetensors", "another revlora");
  expect_refused("unmerge model.safetensors", "another revlora is at work");
}

}  // namespace
}  // namespace revlora::tool::test
