// After a merge by an OpenMP team a forked child works on its own thread.
#include <sys/wait.h>
#include <unistd.h>

#include "values.hpp"

#include "revlora/revlora.hpp"

namespace tests {
namespace {

#ifdef _OPENMP
constexpr std::ptrdiff_t rows = 300, cols = 400;  // worth a team

/// 0 if the child's merge gives what the parent's gave; a signal if it takes half a minute.
template <class Executor>
int status_of_child(const matrix<float>& base, const matrix<float>& expected,
                    const revlora::low_rank& adapter, const Executor& on) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    matrix<float> w = base;
    revlora::undo_record record;
    revlora::merge(w.view(), adapter, on);
    const bool merged = same_bits(expected, w);
    w = base;
    revlora::merge(w.view(), adapter, record, on);
    revlora::unmerge(w.view(), adapter, record, on);
    _exit(merged && same_bits(base, w) ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

TEST(Fork, LeavesTheChildItsOwnThread) {
  engine random(1);
  const auto base = random_matrix<float>(random, rows, cols, kind::normal, 0.1f);
  const auto adapter = random_factors<float>(random, rows, cols, 4, kind::normal, 0.1f, 1);
  matrix<float> merged = base;
  revlora::merge(merged.view(), adapter.view(), revlora::openmp{3});
  EXPECT_EQ(status_of_child(base, merged, adapter.view(), revlora::openmp{1}), 0);
  EXPECT_EQ(status_of_child(base, merged, adapter.view(), revlora::serial{}), 0);
}
#else
TEST(Fork, LeavesTheChildItsOwnThread) {
  GTEST_SKIP() << "compiled without OpenMP";
}
#endif

}  // namespace
}  // namespace tests
