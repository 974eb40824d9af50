// An executor of any type, as the algorithms take it: three pointers.
#pragma once

#include <cstddef>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "../parallel.hpp"
#include "namespace.hpp"
#include "plain.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// As a plain::executor says it.
template <executor Executor>
std::ptrdiff_t team_of(const Executor&) {
  return 0;
}
#ifdef _OPENMP
inline std::ptrdiff_t team_of(const openmp& executor) {
  return executor.threads > 0 ? executor.threads : omp_get_max_threads();
}
#endif

/// The executor must outlive the reference. What it throws passes through.
template <executor Executor>
plain::executor reference_to(const Executor& executor) {
  const auto parallel_for = [](const void* object, std::ptrdiff_t count, const void* context,
                               plain::executor::body* body) {
    static_cast<const Executor*>(object)->parallel_for(count,
                                                       [=](std::ptrdiff_t i) { body(context, i); });
  };
  return {&executor, parallel_for, team_of(executor)};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
