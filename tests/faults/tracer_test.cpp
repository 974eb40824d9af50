// That the tracer sees what a program does, the same every time, and that its faults strike.
#include <algorithm>
#include <cerrno>
#include <csignal>

#include "disturbed.hpp"

namespace revlora::tool::test {
namespace {

class Tracer : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_not_traceable(); !reason.empty()) GTEST_SKIP() << reason;
    begin_anew();
  }

  void begin_anew() const {
    write_tree(models(), folder / "models");
    fs::current_path(folder / "models");
  }

  traced_run merge(const fault& wanted = {}) const {
    return run_traced({REVLORA_PROGRAM, "merge", "one/model.safetensors", "adapter"}, folder.path(),
                      folder / "report.txt", wanted);
  }

  traced_run shell(const std::string& script, const fault& wanted = {}) const {
    return run_traced({"/bin/sh", "-c", script}, folder.path(), "/dev/null", wanted);
  }

  /// Where a call with such a text is.
  std::size_t position_of(const traced_run& run, const std::string& text) const {
    const auto found = std::find_if(run.calls.begin(), run.calls.end(), [&](const file_call& each) {
      return each.text.find(text) != std::string::npos;
    });
    EXPECT_NE(found, run.calls.end()) << text;
    return static_cast<std::size_t>(found - run.calls.begin());
  }

  /// A fault at the call that removes, and everything as it was before that.
  fault at_removal(fault::kind what) const {
    fault wanted{what};
    wanted.call = position_of(shell(removal), "unlink");
    begin_anew();
    return wanted;
  }

  temporary_folder folder;
  const std::string removed = "one/model.safetensors";
  const std::string removal = "exec rm " + removed;
};

TEST_F(Tracer, SeesTheSameCallsEveryTime) {
  const traced_run first = merge();
  begin_anew();
  const traced_run second = merge();
  ASSERT_EQ(first.status, 0) << first.errors;
  EXPECT_EQ(first.calls.size(), second.calls.size());
  EXPECT_GT(first.calls.size(), 20u);
  EXPECT_FALSE(first.struck);
}

TEST_F(Tracer, SeesPathsDescriptorsAndChildren) {
  const traced_run run =
      shell("echo some > one/text; (cat < one/text; cat /dev/null); cd one; cat ./text");
  EXPECT_EQ(run.status, 0) << run.errors;
  for (const char* const call :
       {"openat models/one/text", "write models/one/text", "read models/one/text"}) {
    position_of(run, call);
  }
  for (const file_call& each : run.calls) {
    EXPECT_NE(each.text.find("models"), std::string::npos) << each.text;
  }
}

TEST_F(Tracer, AFailedCallDoesNothing) {
  fault full = at_removal(fault::kind::failed);
  full.error = ENOSPC;
  const traced_run run = shell(removal, full);
  EXPECT_TRUE(run.struck);
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.errors.find("No space left"), std::string::npos) << run.errors;
  EXPECT_TRUE(fs::exists(removed));
}

TEST_F(Tracer, TheProgramFailsWithItsCall) {
  fault full{fault::kind::failed, ENOSPC};
  full.call = position_of(merge(), "write");
  begin_anew();
  const traced_run run = merge(full);
  EXPECT_TRUE(run.struck);
  EXPECT_NE(run.status, 0);
  EXPECT_NE(run.errors.find("No space left"), std::string::npos) << run.errors;
}

TEST_F(Tracer, KillsBeforeACallAndAfterIt) {
  for (const auto when : {fault::kind::killed_before, fault::kind::killed_after}) {
    const traced_run run = shell(removal, at_removal(when));
    EXPECT_TRUE(run.struck);
    EXPECT_EQ(run.signal, SIGKILL);
    EXPECT_EQ(fs::exists(removed), when == fault::kind::killed_before);
  }
}

}  // namespace
}  // namespace revlora::tool::test
