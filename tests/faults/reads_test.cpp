// That the program reads each factor of an adapter once, and none to take it out: they may lie on a
// slow disk, and be many.
#include <algorithm>

#include "scenario.hpp"
#include "tracer.hpp"

namespace revlora::tool::test {
namespace {

TEST(Reads, OfEachFactorThereIsOne) {
  if (const std::string reason = why_not_traceable(); !reason.empty()) GTEST_SKIP() << reason;
  const temporary_folder folder;
  write_tree(models(), folder / "models");
  fs::current_path(folder / "models");
  // To know the format, to see what else lies beside it, and to use it: a length, and a table.
  constexpr long of_the_table = 2 * 3;
  constexpr long of_factors = 2 * 3;
  using words = std::vector<std::string>;
  for (const auto& [command, expected] :
       {std::pair{words{"merge", "three", "adapter"}, of_the_table + of_factors},
        std::pair{words{"unmerge", "three"}, 0l}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.begin(), REVLORA_PROGRAM);
    const traced_run run = run_traced(arguments, folder.path(), folder / "report.txt");
    ASSERT_EQ(run.status, 0) << run.errors;
    const auto reads = std::ranges::count_if(run.calls, [](const file_call& each) {
      return each.text.find("read") != std::string::npos &&
             each.text.find("adapter_model.safetensors") != std::string::npos;
    });
    EXPECT_EQ(reads, expected) << command[0];
  }
}

}  // namespace
}  // namespace revlora::tool::test
