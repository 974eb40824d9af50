// Want of memory at any moment: the model is as it was, or what was asked for, and the exception,
// or that there is none, says which.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "../failing_memory.hpp"
#include "files/workshop.hpp"
#include "support.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool::test {
namespace {

using tests::fail_at;

/// In a process of its own, because nlohmann's parser may end it: only before anything is written.
int status_with_failure(long allocation, const std::function<void()>& command) {
  const pid_t id = ::fork();
  if (id == 0) {
    std::signal(SIGABRT, SIG_DFL);
    if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(127);
    fail_at = allocation;
    int result = 0;
    try {
      command();
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
                  const std::function<void()>& command) {
  constexpr long step = 7;  // each command allocates some thousand times
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

class Memory : public testing::Test {
 protected:
  Memory() {
    write(model, base);
    merge_model(to_one);
    merged = read(model);
    leads_back = read(undo);
    swap_model(to_other);
    swapped = read(model);
  }

  /// The model as it is to be before each attempt, and the undo file, or that there is none.
  std::function<void()> prepare(const std::string& weights, const std::string& undo_file) const {
    return [=, this] {
      write(model, weights);
      fs::remove(undo);
      if (!undo_file.empty()) write(undo, undo_file);
    };
  }

  temporary_folder folder;
  const fs::path model = folder / "model.safetensors", undo = folder / "model.undo";
  const std::string base = safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}});
  const fs::path adapter = write_adapter(folder / "adapter", linear("m", {0.1f, 0.2f}, {1, 2, 3}));
  const fs::path other = write_adapter(folder / "other", linear("m", {0.3f, 0.2f}, {1, 2, 3}));
  const std::vector<fs::path> names = {"adapter", "model.safetensors", "model.undo", "other"};
  const merge_request to_one{.model = model, .adapters = {{adapter}}};
  const swap_request to_other{.model = model, .to = {{other}}};
  const std::string none;
  std::string merged, leads_back, swapped;
};

TEST_F(Memory, WhenItRunsOutTheEndingOfAMergeIsTrue) {
  expect_truth(model, base, merged, names, prepare(base, none), [&] { merge_model(to_one); });
}

TEST_F(Memory, WhenItRunsOutTheEndingOfAnUnmergeIsTrue) {
  expect_truth(model, merged, base, names, prepare(merged, leads_back),
               [&] { unmerge_model({.model = model}); });
}

TEST_F(Memory, WhenItRunsOutTheEndingOfASwapIsTrue) {
  expect_truth(model, merged, swapped, names, prepare(merged, leads_back),
               [&] { swap_model(to_other); });
}

}  // namespace
}  // namespace revlora::tool::test
