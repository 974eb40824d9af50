// How many threads a call of Python's works on.
#pragma once

#include "revlora/parallel.hpp"

namespace revlora::python {

/// `threads` of OpenMP, or as many as it takes by itself (0). In a child of fork() the calling
/// thread only: the team that the parent may have had is not there, and libgomp would wait for it
/// forever (parallel.hpp). Such children are what data loaders and multiprocessing make.
default_executor executor_of(int threads);

/// Throws invalid_input if it is none.
void require_thread_count(int threads);

}  // namespace revlora::python
