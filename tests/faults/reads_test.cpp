// That the program reads each factor of an adapter once: they may lie on a slow disk, and be many.
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
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"merge", "three", "adapter"}, {"unmerge", "three"}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.begin(), REVLORA_PROGRAM);
    const traced_run run = run_traced(arguments, folder.path(), folder / "report.txt");
    ASSERT_EQ(run.status, 0) << run.errors;
    const auto reads = std::ranges::count_if(run.calls, [](const file_call& each) {
      return each.text.find("read") != std::string::npos &&
             each.text.find("adapter_model.safetensors") != std::string::npos;
    });
    constexpr long of_the_table = 2;  // its length, and itself
    constexpr long of_factors = 2 * 3;
    EXPECT_EQ(reads, of_the_table + of_factors) << command[0];
  }
}

}  // namespace
}  // namespace revlora::tool::test
