#include "threads.hpp"

#include <unistd.h>

#include <string>

#include "revlora/error.hpp"

namespace revlora::python {

namespace {
const pid_t loaded_in = ::getpid();
}

void require_thread_count(int threads) {
  if (threads < 0)
    throw invalid_input("revlora: threads is " + std::to_string(threads) +
                        ": give how many, or 0 for as many as there are processors");
}

default_executor executor_of(int threads) {
  require_thread_count(threads);
#ifdef _OPENMP
  return {::getpid() == loaded_in ? threads : 1};
#else
  return {};
#endif
}

}  // namespace revlora::python
