// Folders that are copied with all that is in them, and workshops with such folders in them.
#include "files/tree.hpp"

#include <sys/stat.h>

#include "files/workshop.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

class Tree : public testing::Test {
 protected:
  Tree() {
    fs::create_directory(from);
    fs::create_directory(to);
  }

  /// Returns the notes.
  std::string copy(const tree_copy& how = {.skip = {}}) const {
    testing::internal::CaptureStderr();
    copy_tree(tool::folder(from), tool::folder(to), how);
    return testing::internal::GetCapturedStderr();
  }

  temporary_folder folder;
  const fs::path from = folder / "from";
  const fs::path to = folder / "to";
};

TEST_F(Tree, IsCopiedWhole) {
  write(from / "modules.json", "[]");
  write(from / "1_Pooling/config.json", "{}");
  write(from / "a/b/c/deep", std::string(3'000'000, 'x'));
  fs::create_directory(from / "empty");
  fs::permissions(from / "a/b", fs::perms(0750));
  fs::permissions(from / "modules.json", fs::perms(0640));
  EXPECT_EQ(copy(), "");
  EXPECT_EQ(read(to / "1_Pooling/config.json"), "{}");
  expect_equal_files(to / "a/b/c/deep", from / "a/b/c/deep");
  EXPECT_TRUE(fs::is_directory(to / "empty"));
  EXPECT_EQ(fs::status(to / "a/b").permissions(), fs::perms(0750));
  EXPECT_EQ(fs::status(to / "modules.json").permissions(), fs::perms(0640));
}

TEST_F(Tree, WhatIsThereOrIsSkippedIsNotCopied) {
  write(from / "unet/weights", "old");
  write(from / "unet/config.json", "{}");
  write(from / "vae/weights", "v");
  write(from / "other", "o");
  write(to / "unet/weights", "new");
  copy({.skip = [](const std::string& name) { return name == "vae/weights" || name == "other"; }});
  EXPECT_EQ(read(to / "unet/weights"), "new");
  EXPECT_EQ(read(to / "unet/config.json"), "{}");
  EXPECT_TRUE(fs::is_directory(to / "vae"));
  EXPECT_FALSE(fs::exists(to / "vae/weights"));
  EXPECT_FALSE(fs::exists(to / "other"));
}

TEST_F(Tree, UndoFilesWorkshopsAndGitStay) {
  write(from / "model.undo", "undo");
  write(from / "unet/model.undo", "undo");
  write(from / ".revlora-abc123/workshop", workshop_mark);
  write(from / ".revlora-abc124/notes", "my notes");
  write(from / ".git/config", "");
  write(from / ".gitattributes", "a");
  EXPECT_NE(copy().find("'.git'"), std::string::npos);
  EXPECT_EQ(names_in(to), (std::vector<fs::path>{".gitattributes", ".revlora-abc124", "unet"}));
  EXPECT_TRUE(names_in(to / "unet").empty());
}

TEST_F(Tree, OfLinksThereAreCopies) {
  write(folder / "blob", "content");
  write(folder / "elsewhere/file", "f");
  fs::create_symlink("../blob", from / "file");
  fs::create_directory_symlink("../elsewhere", from / "sub");
  fs::create_symlink("nowhere", from / "dangling");
  ASSERT_EQ(::mkfifo((from / "pipe").c_str(), 0600), 0);
  const std::string notes = copy();
  EXPECT_NE(notes.find("lead to: 'file' and 1 other"), std::string::npos) << notes;
  EXPECT_NE(notes.find("lead nowhere: 'dangling'"), std::string::npos) << notes;
  EXPECT_NE(notes.find("neither file nor folder: 'pipe'"), std::string::npos) << notes;
  EXPECT_FALSE(fs::is_symlink(to / "file"));
  EXPECT_EQ(read(to / "file"), "content");
  EXPECT_EQ(read(to / "sub/file"), "f");
  EXPECT_EQ(names_in(to).size(), 2u);
}

TEST_F(Tree, AFolderThatIsInItselfIsRefused) {
  fs::create_directory(from / "a");
  fs::create_directory_symlink("..", from / "a/up");
  const std::string message = message_of([&] { copy(); });
  testing::internal::GetCapturedStderr();
  EXPECT_NE(message.find("is a link to a folder that it is in"), std::string::npos) << message;
}

TEST_F(Tree, AWorkshopWithOneIsRemovedAgain) {
  write(from / "a/b/c/d/file", "deep");
  {
    const tool::folder place(folder.path());
    const workshop shop(place);
    const tool::folder made = shop.inside().create_folder("model");
    copy_tree(tool::folder(from), made, {.skip = {}});
    EXPECT_EQ(read(made.path() / "a/b/c/d/file"), "deep");
  }
  EXPECT_EQ(names_in(folder.path()), (std::vector<fs::path>{"from", "to"}));
}

}  // namespace
}  // namespace revlora::tool::test
