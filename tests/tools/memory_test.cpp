// Want of memory at any moment: the model is as it was, or what was asked for, and the exception,
// or that there is none, says which.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "../failing_memory.hpp"
#include "files/workshop.hpp"
#include "support.hpp"
#include "verbs/merge_model.hpp"
#include "verbs/unmerge_model.hpp"

namespace revlora::tool::test {
namespace {

using tests::fail_at;

/// In a process of its own, because nlohmann's parser may end it: only before anything is written.
int status_with_failure(long allocation, const std::function<exit_status()>& command) {
  const pid_t id = ::fork();
  if (id == 0) {
    std::signal(SIGABRT, SIG_DFL);
    if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(127);
    fail_at = allocation;
    int result = 0;
    try {
      const exit_status said = command();
      if (said != exit_status::done && said != exit_status::done_with_trouble) result = 1;
    } catch (const std::exception&) {
      result = 1;
    }
    ::_exit(result + (fail_at < 0 ? 0 : 2));  // 2: it allocates less often
  }
  int status = 0;
  ::waitpid(id, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Calls `command` with one allocation failing, then a later one, … until none fails. It has to
/// lead from `before` to `after`, or fail and leave `before`, and nothing that a next command would
/// not know for a left-over.
void expect_truth(const fs::path& model, const std::string& before, const std::string& after,
                  const std::vector<fs::path>& names, const std::function<void()>& prepare,
                  const std::function<exit_status()>& command) {
  constexpr long step = 3;  // each command allocates some thousand times
  for (long k = 0;; k += step) {
    ASSERT_LT(k, 100000) << "allocates without end";
    prepare();
    const int status = status_with_failure(k, command);
    ASSERT_TRUE(read(model) == (status == 0 || status == 2 ? after : before)) << "allocation " << k;
    remove_left_overs(tool::folder(model.parent_path()));  // as the next command does
    for (const fs::path& name : names_in(model.parent_path())) {
      ASSERT_NE(std::ranges::find(names, name), names.end()) << name << " after allocation " << k;
    }
    if (status == 2) {
      ASSERT_GT(k, 100 * step) << "hardly anything was tested";
      return;
    }
  }
}

TEST(Memory, WhenItRunsOutTheEndingIsTrue) {
  const temporary_folder folder;
  const fs::path model = folder / "model.safetensors", undo = folder / "model.undo";
  const std::string base = safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}});
  const fs::path adapter = write_adapter(folder / "adapter", linear("m", {0.1f, 0.2f}, {1, 2, 3}));
  const std::vector<fs::path> names = {"adapter", "model.safetensors", "model.undo"};
  write(model, base);
  merge_model({.model = model, .adapters = {adapter}});
  const std::string merged = read(model), leads_back = read(undo);
  expect_truth(
      model, base, merged, names,
      [&] {
        write(model, base);
        fs::remove(undo);
      },
      [&] { return run_merge({.model = model, .adapters = {adapter}}); });
  expect_truth(
      model, merged, base, names,
      [&] {
        write(model, merged);
        write(undo, leads_back);
      },
      [&] { return run_unmerge({.model = model}); });
}

}  // namespace
}  // namespace revlora::tool::test
