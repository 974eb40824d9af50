// Your own threads: revlora starts none, it hands pieces of work to an executor, and one member
// makes anything an executor that can run a loop in parallel. Here that is a oneTBB arena of two
// threads, as an engine has one. The bits do not depend on it.
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <cstddef>
#include <cstdio>
#include <revlora/revlora.hpp>
#include <vector>

#include "numbers.hpp"

struct arena_executor {
  tbb::task_arena& arena;

  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    arena.execute([&] { tbb::parallel_for(std::ptrdiff_t{0}, count, body); });
  }
};
static_assert(revlora::executor<arena_executor>);

int main() {
  constexpr std::ptrdiff_t d_out = 512, d_in = 512, rank = 16;
  const auto B = normal_numbers<float>(d_out * rank, 0.01f);
  const auto A = normal_numbers<float>(rank * d_in, 0.02f);
  const revlora::low_rank adapter(revlora::matrix_view(B, d_out, rank),
                                  revlora::matrix_view(A, rank, d_in), 2.0f);
  const auto base = normal_numbers<revlora::bf16>(d_out * d_in, 0.02f);
  auto weights = base, by_one_thread = base;
  const revlora::matrix_view W(weights, d_out, d_in);

  tbb::task_arena arena(2);
  const arena_executor pool{arena};
  revlora::undo_record record;
  revlora::merge(W, adapter, record, pool);

  revlora::merge(revlora::matrix_view(by_one_thread, d_out, d_in), adapter, revlora::serial{});
  const bool same = weights == by_one_thread;
  revlora::unmerge(W, adapter, record, pool);
  const bool restored = weights == base;
  std::printf("%td x %td merged by an arena of %d threads: ", d_out, d_in, arena.max_concurrency());
  std::printf("%s; ", same ? "the bits of one thread" : "DIFFERS from one thread");
  std::printf("%s\n", restored ? "every bit is back" : "BITS CHANGED");
  return same && restored ? 0 : 1;
}
