// What is printed: groups of names, tables, what a merge would do, and how far it is.
#include "reports/merge_report.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "console/nearest_word.hpp"
#include "console/progress.hpp"
#include "console/table.hpp"
#include "console/terminal.hpp"
#include "reports/grouped_names.hpp"
#include "reports/verify_report.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

std::string groups_of(const std::vector<std::string>& names) {
  std::vector<labelled_name> labelled;
  for (const std::string& name : names) labelled.push_back({name, ""});
  std::string all;
  for (const name_group& each : grouped(labelled)) {
    all += each.name + " x" + std::to_string(each.count) + "\n";
  }
  return all;
}

TEST(GroupedNames, NumbersComeTogetherAndNothingElse) {
  EXPECT_EQ(groups_of({"a.10.w", "a.2.w", "a.3.w", "a.4.w", "b.w"}), "a.2…4,10.w x4\nb.w x1\n");
  EXPECT_EQ(groups_of({"conv1.w", "conv2.w", "p_0_q", "p_1_q"}),
            "conv1.w x1\nconv2.w x1\np_0,1_q x2\n");
  EXPECT_EQ(groups_of({"a.1", "a.01", "a.99999999999999999999"}),
            "a.1 x1\na.01 x1\na.99999999999999999999 x1\n");
  EXPECT_EQ(groups_of({"7", "8", "9", ""}), "7…9 x3\n x1\n");
}

TEST(GroupedNames, AGroupSaysNoMoreThanItsNames) {
  std::vector<std::string> names;
  for (int layer = 0; layer < 4; ++layer) {
    for (int expert = 0; expert < (layer == 2 ? 3 : 8); ++expert) {
      names.push_back("l." + std::to_string(layer) + ".e." + std::to_string(expert) + ".w");
    }
  }
  EXPECT_EQ(groups_of(names), "l.0,1,3.e.0…7.w x24\nl.2.e.0…2.w x3\n");
}

TEST(GroupedNames, OnlyEqualLabelsComeTogether) {
  const auto groups = grouped({{"a.0", "F32"}, {"a.1", "F16"}, {"a.2", "F32"}});
  EXPECT_EQ(lines_of(groups, "  "), "  a.0,2  F32  (2)\n  a.1  F16\n");
}

TEST(Table, ColumnsAreAsWideAsTheirCharacters) {
  EXPECT_EQ(lines_of({{"a", "b"}, {"ü…", "c", "d"}, {}}, " "), " a   b\n ü…  c  d\n\n");
}

TEST(NearestWord, IsNearOrNone) {
  const std::vector<std::string> known = {"merge", "unmerge", "swap", "verify", "info"};
  EXPECT_EQ(nearest_word("merg", known), "merge");
  EXPECT_EQ(nearest_word("mrege", known), "merge");
  EXPECT_EQ(nearest_word("unmerged", known), "unmerge");
  EXPECT_EQ(nearest_word("verfiy", known), "verify");
  EXPECT_EQ(nearest_word("", known), std::nullopt);
  EXPECT_EQ(nearest_word("train", known), std::nullopt);
  EXPECT_EQ(nearest_word(std::string(1'000'000, 'a'), known), std::nullopt);
}

merge_result small_result() {
  merge_result result;
  result.model = "/m";
  result.undo = "/m/model.undo";
  result.weights = 6;
  result.changed = 5;
  result.undo_bytes = 3000;
  result.record_bytes = 1000;
  result.factor_bytes = 2000;
  result.disk_bytes = 50'000;
  result.tensors = {
      {"f.safetensors", "a.weight", "BF16", {2, 3}, {{"/x", 8, 2.0}, {"/y", 16, 0.5}}, false, 0.01},
      {"f.safetensors", "head.weight", "BF16", {2, 3}, {}, true, {}}};
  return result;
}

TEST(MergeReport, ADryRunSaysTheSumFirstAndThenEachTensor) {
  merge_request asked{"/m", {{"/x", 1}, {"/y", 0.5}}};
  asked.how.dry_run = true;
  const merge_report report(asked, small_result());
  EXPECT_EQ(report.text(),
            "would merge 2 adapters into 2 tensors of /m\n"
            "about 5 of 6 weights would change; nothing was written\n"
            "undo file: /m/model.undo (about 3.0 kB: records 1.0 kB, adapters 2.0 kB; "
            "4000.000 bits per weight)\n"
            "disk space that has to be free: 50.0 kB\n"
            "  tensor       type  shape   rank    scale    std(D)/std(W)\n"
            "  a.weight     BF16  [2, 3]  8 + 16  2 + 0.5  0.0100\n"
            "  head.weight  BF16  [2, 3]  -       -        -              replaced\n");
  EXPECT_STREQ(report.state(), "the model is as it was");
  const auto json = report.json();
  EXPECT_EQ(json["dry_run"], true);
  EXPECT_EQ(json["disk_bytes"], 50'000);
  EXPECT_EQ(json["tensors"][0]["updates"][1]["rank"], 16);
  EXPECT_EQ(json["tensors"][0]["relative_size"], 0.01);
  EXPECT_TRUE(json["tensors"][1]["relative_size"].is_null());
}

TEST(MergeReport, ASwapSaysWhereTo) {
  merge_result result = small_result();
  result.not_finite = 1;
  result.notes = {"names were matched"};
  EXPECT_EQ(merge_report(swap_request{"/m", {{"/x", 1}}}, result)
                .text()
                .find("swapped 2 tensors of /m to 1 adapter\n5 of 6 weights changed\n"),
            0u);
  const merge_report to_base(swap_request{"/m"}, result);
  EXPECT_EQ(to_base.text(), "brought /m back to the base\nby the undo file /m/model.undo\n");
  EXPECT_STREQ(to_base.state(), "the model is at the base");
  EXPECT_EQ(to_base.notes(),
            (std::vector<std::string>{"names were matched", "1 weight became infinite or NaN"}));
}

TEST(MergeReport, AMergeThatChangesNothingSaysWhy) {
  merge_result result = small_result();
  result.changed = 0;
  result.tensors.pop_back();
  const merge_request asked{"/m", {{"/x", 1}}};
  const auto warning = [&] { return merge_report(asked, result).warnings().front(); };
  result.adds_something = true;
  EXPECT_EQ(warning(),
            "the merge changed nothing: what the adapters add is less than half a unit in the last "
            "place of every weight");
  result.adds_something = false;
  EXPECT_EQ(warning(),
            "the merge changed nothing: one of the factors of each update is zero everywhere, as B "
            "is before the training");
  for (update_outlook& each : result.tensors.front().updates) each.strength = 0;
  EXPECT_EQ(warning(), "the merge changed nothing: the strength is 0");
  result.changed = 1;
  EXPECT_TRUE(merge_report(asked, result).warnings().empty());
}

TEST(VerifyReport, NamesTensorsOnlyWhereTheyDiffer) {
  verify_result found;
  found.model = "/m";
  found.undo = "/m/model.undo";
  found.adapters = {{"/x", 0.5}};
  found.condition = model_condition::partly_merged;
  for (int i = 0; i < 3; ++i) {
    found.tensors.push_back({"f", "a." + std::to_string(i), model_condition::merged});
  }
  found.tensors.push_back({"f", "b", model_condition::base});
  EXPECT_EQ(verify_report(found).text(),
            "/m is partly merged\nundo file: /m/model.undo\nadapter: /x, strength 0.5\n"
            "1 tensor at the base\n  b\n3 tensors merged\n  a.0…2  (3)\n");
  found.tensors.pop_back();
  found.condition = model_condition::merged;
  EXPECT_EQ(verify_report(found).text(),
            "/m is merged\nundo file: /m/model.undo\nadapter: /x, strength 0.5\n"
            "3 tensors merged\n");
}

/// What is shown on a terminal by work within other work, and a note.
std::string shown_on_terminal(bool silent) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  EXPECT_EQ(::grantpt(master) | ::unlockpt(master), 0);
  const pid_t id = ::fork();
  if (id == 0) {
    ::dup2(::open(::ptsname(master), O_RDWR | O_NOCTTY), STDERR_FILENO);
    if (silent) silence_progress();
    using namespace std::chrono_literals;
    {
      progress outer("merging", 1'000'000);
      progress inner("copying", 10);
      std::this_thread::sleep_for(60ms);
      inner.advance(10);
      std::this_thread::sleep_for(60ms);
      outer.advance(500'000);
      note("worth knowing");
      std::this_thread::sleep_for(60ms);
      outer.advance(1'500'000);
    }
    std::fflush(stderr);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(id, &status, 0);
  std::string shown(65536, '\0');
  ::fcntl(master, F_SETFL, O_NONBLOCK);
  const ssize_t size = ::read(master, shown.data(), shown.size());
  shown.resize(static_cast<std::size_t>(std::max<ssize_t>(0, size)));
  ::close(master);
  return shown;
}

TEST(Progress, OnATerminalIsOneBarThatMakesWayForNotes) {
  const std::string shown = shown_on_terminal(false);
  EXPECT_EQ(shown.find("copying"), std::string::npos) << shown;
  EXPECT_NE(shown.find("merging [.."), std::string::npos) << shown;
  EXPECT_NE(shown.find("] 50 %  500 kB of 1.0 MB  "), std::string::npos) << shown;
  EXPECT_NE(shown.find(" left"), std::string::npos) << shown;
  EXPECT_NE(shown.find("\r\033[Krevlora: note: worth knowing\r\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("] 100 %  2.0 MB of 2.0 MB  "), std::string::npos) << shown;
  EXPECT_EQ(shown.substr(shown.size() - 4), "\r\033[K");
}

TEST(Progress, IsSilentIfThatIsAsked) {
  EXPECT_EQ(shown_on_terminal(true), "revlora: note: worth knowing\r\n");
}

}  // namespace
}  // namespace revlora::tool::test
