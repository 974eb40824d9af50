// Folders that somebody else filled: names, links and pipes that lead elsewhere.
#include <sys/stat.h>

#include "support.hpp"

namespace revlora::tool::test {
namespace {

class HostileFolder : public testing::Test {
 protected:
  HostileFolder() {
    write_adapter(folder / "adapter", linear("m", {0.1f, 0.2f}, {1, 2, 3}));
    fs::create_directory(model);
    write(victim, "precious");
  }
  ~HostileFolder() override { EXPECT_EQ(read(victim), "precious"); }

  /// A model of two shards.
  void write_shards(const std::string& first, const std::string& second) const {
    write(model / first, shard_m);
    write(model / second, shard_n);
    write_index(first, second);
  }
  void write_index(const std::string& first, const std::string& second) const {
    write(model / "model.safetensors.index.json",
          R"({"weight_map":{"m.weight":")" + first + R"(","n.weight":")" + second + "\"}}");
  }

  /// Runs the program beside the model; one that waits for ever has status 124.
  outcome run(const std::string& arguments) const {
    fs::current_path(folder.path());
    return shell("timeout 20 '" REVLORA_PROGRAM "' " + arguments);
  }
  void expect_refused(const std::string& arguments, const std::string& part) const {
    const auto names = names_in(model);
    const outcome result = run(arguments);
    EXPECT_EQ(result.status, 1) << result.output;
    EXPECT_NE(result.output.find(part), std::string::npos) << result.output;
    EXPECT_EQ(names_in(model), names);
  }
  void expect_done(const std::string& arguments) const {
    const outcome result = run(arguments);
    ASSERT_EQ(result.status, 0) << result.output;
  }

  temporary_folder folder;
  const fs::path model = folder / "model";
  const fs::path victim = folder / "victim";
  const std::string shard_m = safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}});
  const std::string shard_n = safetensors({{"n.weight", {1, 1}, {7}}});
};

TEST_F(HostileFolder, AnIndexWhoseNamesAreCutAtANul) {
  write(model / "a.safetensors", shard_m);
  write(model / "b.safetensors", shard_n);
  write_index(R"(a.safetensors\u0000x)", "b.safetensors");
  expect_refused("merge model adapter", "not a plain file name");
  EXPECT_EQ(read(model / "a.safetensors"), shard_m);
}

TEST_F(HostileFolder, ShardsThatAreNamedLikeTemporaries) {
  for (const std::string second :
       {"a.safetensors.merging", "0", "1", "model", "undo", "workshop", ".revlora-abc123"}) {
    SCOPED_TRACE(second);
    write_shards("a.safetensors", second);
    expect_done("merge model adapter");
    EXPECT_NE(read(model / "a.safetensors"), shard_m);
    EXPECT_EQ(read(model / second), shard_n);
    expect_done("unmerge model");
    EXPECT_EQ(read(model / "a.safetensors"), shard_m);
    EXPECT_EQ(read(model / second), shard_n);
    expect_done("merge model adapter --out new");
    EXPECT_EQ(read(folder / "new" / second), shard_n);
    fs::remove_all(folder / "new");
    fs::remove(model / second);
  }
}

TEST_F(HostileFolder, TwoNamesOfOneFile) {
  write(model / "a.safetensors", shard_m);
  fs::create_hard_link(model / "a.safetensors", model / "b.safetensors");
  write_index("a.safetensors", "b.safetensors");
  expect_refused("merge model adapter", "are one file");
}

TEST_F(HostileFolder, FilesOfTheUserAreNotTakenForOurs) {
  write_shards("a.safetensors", "b.safetensors");
  write(model / "a.safetensors.merging", "my notes");
  write(model / "model.undo.merging", "my notes");
  write(model / ".revlora-abc123/notes", "my notes");
  write(model / ".revlora-abc124/workshop", "my workshop");
  write(model / ".revlora-abc125/workshop", workshop_mark + "mine");
  write(model / ".revlora-backup/workshop", "");
  write(model / ".revlora-backup/notes", "my notes");
  fs::create_directory(model / ".revlora-models");  // by its mode none of ours
  write(model / ".revlora-abc126", "my notes");
  const auto names = names_in(model);
  expect_done("merge model adapter");
  expect_done("unmerge model");
  EXPECT_EQ(read(model / "a.safetensors.merging"), "my notes");
  EXPECT_EQ(read(model / "model.undo.merging"), "my notes");
  EXPECT_EQ(read(model / ".revlora-abc123/notes"), "my notes");
  EXPECT_EQ(read(model / ".revlora-abc124/workshop"), "my workshop");
  EXPECT_EQ(read(model / ".revlora-backup/notes"), "my notes");
  EXPECT_EQ(names_in(model).size(), names.size() + 1);  // the undo file
}

TEST_F(HostileFolder, LinksLeadNowhere) {
  write_shards("a.safetensors", "b.safetensors");
  fs::create_symlink(victim, model / "model.undo.merging");
  fs::create_symlink(victim, model / "a.safetensors.merging");
  fs::create_directory(folder / "precious");
  write(folder / "precious/workshop", workshop_mark);
  write(folder / "precious/file", "precious");
  fs::create_directory_symlink(folder / "precious", model / ".revlora-abc123");
  // What is a workshop by all signs, but has a way out.
  fs::create_directory(model / ".revlora-abc124");
  fs::copy_file(folder / "precious/workshop", model / ".revlora-abc124/workshop");
  fs::create_directory_symlink(folder / "precious", model / ".revlora-abc124/model");
  fs::create_symlink(victim, model / ".revlora-abc124/0");
  expect_done("merge model adapter");
  EXPECT_EQ(read(folder / "precious/file"), "precious");
  EXPECT_FALSE(fs::exists(model / ".revlora-abc124"));
  expect_done("unmerge model");

  fs::remove(model / "model.undo");
  fs::create_symlink(victim, model / "model.undo");
  expect_refused("merge model adapter", "is a symbolic link");
  expect_refused("unmerge model", "is a symbolic link");
  fs::remove(model / "model.undo");
  fs::create_symlink(folder / "new-file", model / "model.undo");
  expect_refused("merge model adapter", "is a symbolic link");
  EXPECT_FALSE(fs::exists(folder / "new-file"));
}

// With all signs of a workshop, but it could not have been made by one.
TEST_F(HostileFolder, AWorkshopThatIsTooDeepIsInNobodysWay) {
  write_shards("a.safetensors", "b.safetensors");
  write(model / ".revlora-abc123/workshop", workshop_mark);
  fs::path deep = model / ".revlora-abc123";
  for (int i = 0; i < 70; ++i) deep /= "1";
  write(deep / "file", "deep");
  expect_done("info model");
  expect_done("merge model adapter");
  expect_done("unmerge model");
  EXPECT_EQ(read(deep / "file"), "deep");
}

TEST_F(HostileFolder, LinksThatANewFolderHasCopiesOfAreSaid) {
  write_shards("a.safetensors", "b.safetensors");
  fs::create_symlink(victim, model / "README.md");
  const outcome merged = run("merge model adapter --out new");
  EXPECT_EQ(merged.status, 0);
  EXPECT_NE(merged.output.find("what links of the model's folder lead to: 'README.md'"),
            std::string::npos)
      << merged.output;
}

TEST_F(HostileFolder, ANewFolderIsTheWholeModelWhateverItsFilesAreCalled) {
  write_shards("a.safetensors", "b.undo");
  write(model / "config.json", "{}");
  for (const std::string name : {"config.json", "a.safetensors", "model.safetensors.index.json"}) {
    const outcome refused = run("merge model adapter --out new --undo new/" + name);
    EXPECT_EQ(refused.status, 1) << refused.output;
    EXPECT_FALSE(fs::exists(folder / "new"));
  }
  expect_done("merge model adapter --out new --undo new/x.undo");
  EXPECT_EQ(read(folder / "new/b.undo"), shard_n);
  expect_done("unmerge new --undo new/x.undo");
  EXPECT_EQ(read(folder / "new/a.safetensors"), shard_m);
}

TEST_F(HostileFolder, PipesAreNotWaitedFor) {
  write_shards("a.safetensors", "b.safetensors");
  const auto pipe = [&](const fs::path& path) {
    fs::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  };
  pipe(model / "model.undo");
  expect_refused("merge model adapter", "is not a file");
  expect_refused("unmerge model", "is not a file");
  expect_refused("info model/model.undo", "not a regular file");
  fs::remove(model / "model.undo");
  pipe(model / "b.safetensors");
  expect_refused("merge model adapter", "not a regular file");
  pipe(model / "model.safetensors.index.json");
  expect_refused("merge model adapter", "not a regular file");
  pipe(folder / "adapter/adapter_model.safetensors");
  expect_refused("info adapter", "not a regular file");
  pipe(folder / "adapter/adapter_config.json");
  expect_refused("info adapter", "not a regular file");
}

// "link/.." is where the link leads, not where it stands.
TEST_F(HostileFolder, ThePathThatIsNamedIsThePathThatIsUsed) {
  write(folder / "here/model.safetensors", shard_m);
  write(folder / "there/model.safetensors", shard_m);
  fs::create_directory(folder / "there/inside");
  fs::create_directory_symlink(folder / "there/inside", folder / "here/link");
  expect_done("merge here/link/../model.safetensors adapter");
  EXPECT_EQ(read(folder / "here/model.safetensors"), shard_m);
  EXPECT_NE(read(folder / "there/model.safetensors"), shard_m);
  EXPECT_TRUE(fs::exists(folder / "there/model.undo"));
  expect_done("unmerge here/link/..");
  EXPECT_EQ(read(folder / "there/model.safetensors"), shard_m);
  expect_done("merge here/model.safetensors adapter --out here/link/../new.safetensors");
  EXPECT_TRUE(fs::exists(folder / "there/new.safetensors"));
  EXPECT_TRUE(fs::exists(folder / "there/new.undo"));
  expect_done("merge here/model.safetensors adapter --undo here/link/../named.undo");
  EXPECT_TRUE(fs::exists(folder / "there/named.undo"));
}

TEST_F(HostileFolder, PathsThatAnUndoFileCannotNameAreRefusedBeforeTheWork) {
  const std::string odd = "odd\xff";
  write(folder / odd / "model.safetensors", shard_m);
  const auto refused = [&](const std::string& arguments) {
    const outcome result = run(arguments);
    EXPECT_EQ(result.status, 1) << result.output;
    EXPECT_NE(result.output.find("odd\\xff"), std::string::npos) << result.output;
    EXPECT_NE(result.output.find("UTF-8"), std::string::npos) << result.output;
  };
  refused("merge " + odd + " adapter");
  EXPECT_EQ(read(folder / odd / "model.safetensors"), shard_m);
  write(model / "model.safetensors", shard_m);
  fs::copy(folder / "adapter", folder / (odd + "/adapter"));
  refused("merge model " + odd + "/adapter");
  refused("merge model adapter --out " + odd + "/new");
  EXPECT_EQ(names_in(model).size(), 1u);
  expect_done("merge model adapter --undo " + odd + "/model.undo");  // it need not name itself
}

// What an undo file would be refused for later is refused before.
TEST_F(HostileFolder, NamesThatAnUndoFileMayNotHaveAreRefusedBeforeTheWork) {
  for (const std::string name : {"odd\xff.safetensors", "line\nbreak.safetensors"}) {
    write(model / name, shard_m);
    expect_refused("merge model adapter", "so rename it");
    fs::remove(model / name);
  }
  write(model / "line\nbreak.safetensors", shard_m);
  expect_done("merge 'model/line\nbreak.safetensors' adapter --out new.safetensors");
  expect_done("unmerge new.safetensors");
}

TEST_F(HostileFolder, NoEscapeSequenceReachesTheTerminal) {
  write(model / "model.safetensors",
        safetensors(R"({"\u001b[2Jm.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                    "abcd"));
  for (const std::string arguments : {"info model", "merge model adapter", "info 'mo\x1b[2Jdel'"}) {
    const outcome result = run(arguments);
    EXPECT_EQ(result.output.find('\x1b'), std::string::npos) << arguments;
  }
  EXPECT_NE(run("info model").output.find("\\x1b[2Jm.weight"), std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
