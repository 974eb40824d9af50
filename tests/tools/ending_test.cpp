// How the program ends: what its status and its last line say is the state of the model, whatever
// becomes of the report, and nothing that is unfinished stays behind.
#include <unistd.h>

#include <csignal>

#include "support.hpp"

namespace revlora::tool::test {
namespace {

class Ending : public testing::Test {
 protected:
  Ending() {
    write(model, base);
    write_adapter(folder / "adapter", linear("m", {0.1f, 0.2f}, {1, 2, 3}));
    fs::current_path(folder.path());
  }

  outcome run(const std::string& arguments_and_redirections) const {
    return shell("'" REVLORA_PROGRAM "' " + arguments_and_redirections);
  }

  temporary_folder folder;
  const fs::path model = folder / "model.safetensors";
  const std::string base = safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}});
};

TEST_F(Ending, AReportThatCannotBePrintedIsSaid) {
  for (const std::string nowhere : {">/dev/full", ">&-"}) {
    SCOPED_TRACE(nowhere);
    const outcome merged = run("merge model.safetensors adapter 2>&1 " + nowhere);
    EXPECT_EQ(merged.status, 3);
    EXPECT_EQ(merged.output, "revlora: the model is merged, but its report could not be printed\n");
    EXPECT_NE(read(model), base);
    const outcome unmerged = run("unmerge model.safetensors 2>&1 " + nowhere);
    EXPECT_EQ(unmerged.status, 3);
    EXPECT_EQ(unmerged.output,
              "revlora: the model is at the base, but its report could not be printed\n");
    EXPECT_EQ(read(model), base);
    for (const std::string words : {"info model.safetensors", "--help", "--version", "demo"}) {
      const outcome told = run(words + " 2>&1 " + nowhere);
      EXPECT_EQ(told.status, 1) << words;
      EXPECT_EQ(told.output, "revlora: cannot write to the standard output\n") << words;
    }
  }
}

TEST_F(Ending, AReaderThatHasGoneDoesNotEndAMerge) {
  const outcome merged =
      shell("bash -o pipefail -c \"'" REVLORA_PROGRAM "' merge model.safetensors adapter | true\"");
  EXPECT_TRUE(merged.status == 3 || merged.status == 0) << merged.output;
  EXPECT_NE(read(model), base);
  EXPECT_EQ(run("unmerge model.safetensors").status, 0);
  EXPECT_EQ(read(model), base);
}

// The first file that is opened would become the standard output, and the report part of it.
TEST_F(Ending, ClosedStandardStreamsAreNoFilesOfOurs) {
  const outcome merged = run("merge model.safetensors adapter <&- >&- 2>&-");
  EXPECT_EQ(merged.status, 3);
  EXPECT_EQ(run("info model.undo").output.find("neither"), std::string::npos);
  EXPECT_EQ(run("unmerge model.safetensors").status, 0);
  EXPECT_EQ(read(model), base);
}

TEST_F(Ending, WhatIsMadeHasThePermissionsOfTheModelWhateverTheUmask) {
  fs::permissions(model, fs::perms(0644));
  for (const std::string mask : {"000", "077", "777"}) {
    const outcome merged =
        shell("umask " + mask + "; '" REVLORA_PROGRAM "' merge model.safetensors adapter");
    ASSERT_EQ(merged.status, 0) << merged.output;
    EXPECT_EQ(fs::status(model).permissions(), fs::perms(0644));
    EXPECT_EQ(fs::status("model.undo").permissions(), fs::perms(0644));
    ASSERT_EQ(run("unmerge model.safetensors").status, 0);
    fs::remove("model.undo");
  }
}

TEST_F(Ending, ALimitToTheSizeOfFilesIsAnError) {
  write(model, safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}},
                            {"n.weight", {100, 100}, std::vector<float>(10000)}}));
  const std::string before = read(model);
  const outcome result =
      shell("ulimit -f 8; '" REVLORA_PROGRAM "' merge model.safetensors adapter");
  EXPECT_EQ(result.status, 1) << result.output;
  EXPECT_NE(result.output.find("File too large"), std::string::npos) << result.output;
  EXPECT_EQ(read(model), before);
  EXPECT_EQ(names_in(folder.path()), (std::vector<fs::path>{"adapter", "model.safetensors"}));
}

/// A merge that takes a while, and a signal in the middle of it.
class Interruption : public testing::TestWithParam<int> {};

TEST_P(Interruption, LeavesTheModelAndNothingElse) {
  const temporary_folder folder, aside;
  constexpr int size = 4096;
  write(folder / "model.safetensors",
        safetensors({{"m.weight", {size, size}, std::vector<float>(size * size, 1.0f)}}));
  write_adapter(folder / "adapter",
                linear("m", std::vector<float>(size, 0.1f), std::vector<float>(size, 0.1f)));
  const std::string base = read(folder / "model.safetensors");
  fs::current_path(folder.path());
  const fs::path said = aside / "said";
  const pid_t id = ::fork();
  if (id == 0) {
    std::signal(GetParam(), SIG_DFL);
    if (std::freopen(said.c_str(), "w", stderr) == nullptr) ::_exit(126);
    ::execl(REVLORA_PROGRAM, "revlora", "merge", "model.safetensors", "adapter", nullptr);
    ::_exit(127);
  }
  int status = 0;
  while (names_in(folder.path()).size() < 3) {  // the third is the workshop
    ASSERT_EQ(::waitpid(id, &status, WNOHANG), 0) << "it ended too early: " << read(said);
  }
  ::kill(id, GetParam());
  ::waitpid(id, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == GetParam()) << status;
  EXPECT_EQ(read(said), "revlora: interrupted: the model is as it was\n");
  EXPECT_TRUE(read(folder / "model.safetensors") == base);
  EXPECT_EQ(names_in(folder.path()), (std::vector<fs::path>{"adapter", "model.safetensors"}));
}

INSTANTIATE_TEST_SUITE_P(Ending, Interruption, testing::Values(SIGINT, SIGTERM, SIGHUP));

}  // namespace
}  // namespace revlora::tool::test
