// Pieces of work over an executor, each in IEEE mode.
#pragma once

#include <cstddef>

#include "../parallel.hpp"
#include "ieee_mode.hpp"
#include "namespace.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

template <executor Executor, class Work>
void for_each(const Executor& executor, std::ptrdiff_t count, const Work& work) {
  if (count > 0) executor.parallel_for(count, [&work](std::ptrdiff_t i) { in_ieee_mode(work, i); });
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
