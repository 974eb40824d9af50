/// \file
/// Where the work runs. No algorithm names a thread library: it hands `count` independent pieces of
/// work to an executor, and gives the same bytes whatever the executor does with them.
#pragma once

#include <cstddef>

#include "detail/namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// An executor runs `body(0) … body(count - 1)`, each once, in any order and on any threads, and
/// returns when all are done. The bodies never throw. To use your own thread pool, write this one
/// member:
///
///     struct my_pool {
///       template <class Body>
///       void parallel_for(std::ptrdiff_t count, const Body& body) const;
///     };
///
/// It must neither return nor throw while a body still runs: join what has begun, then throw. What
/// it throws leaves the call as it is. Pieces that it leaves out or runs twice are noticed, and the
/// call throws executor_failed, validate returns it. Both ways weights and record are as before the
/// call. Only merge and unmerge without a record cannot be taken back once weights are written, and
/// return: what the executor has left undone is then done on the calling thread.
template <class E>
concept executor = requires(const E& e, std::ptrdiff_t count, void (*body)(std::ptrdiff_t)) {
  e.parallel_for(count, body);
};

/// Everything on the calling thread.
struct serial {
  /// Calls the body for 0 … count − 1, in this order.
  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    for (std::ptrdiff_t i = 0; i < count; ++i) body(i);
  }
};

#ifdef _OPENMP
/// An OpenMP team: of `threads` threads, or of as many as OpenMP would take by itself (0). Global
/// OpenMP settings are left alone. Work that is too little for a team stays on the calling thread.
/// Neighbouring pieces go to the same thread, so a matrix first touched in the same way stays on
/// its memory node.
///
/// After fork(), use `openmp{1}`, `serial` or threads of your own in the child: where the parent
/// has had a team, a call that wants one in the child waits for threads that fork did not copy,
/// forever (GCC's libgomp). Or let the parent's calls before the fork be such, or let the child
/// exec.
///
/// On a machine that others use too, OpenMP's waiting threads should not spin:
/// with OMP_WAIT_POLICY=passive, examples/hot_swap.cpp took 2 s on two cores beside ten busy loops,
/// without it a minute.
struct openmp {
  /// Of the team. 0: as many as OpenMP would take by itself. 1: none, and OpenMP is not called.
  int threads = 0;

  /// Calls the body for 0 … count − 1, and returns when the team is done.
  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    if (threads == 1) {
      serial{}.parallel_for(count, body);
    } else if (threads > 1) {
#pragma omp parallel for schedule(static) num_threads(threads)
      for (std::ptrdiff_t i = 0; i < count; ++i) body(i);
    } else {
#pragma omp parallel for schedule(static)
      for (std::ptrdiff_t i = 0; i < count; ++i) body(i);
    }
  }
};
/// What runs the work of a call that names no executor: OpenMP in files that are compiled with it
/// (-fopenmp), else the calling thread.
using default_executor = openmp;
#else
/// What runs the work of a call that names no executor.
using default_executor = serial;
#endif

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
