// An executor of any type, as the algorithms take it: three pointers.
#pragma once

#include <concepts>
#include <cstddef>

#include "../parallel.hpp"
#include "namespace.hpp"
#include "plain.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// The executor must outlive the reference. What it throws passes through.
template <executor Executor>
plain::executor reference_to(const Executor& executor) {
  const auto parallel_for = [](const void* object, std::ptrdiff_t count, const void* context,
                               plain::executor::body* body) {
    static_cast<const Executor*>(object)->parallel_for(count,
                                                       [=](std::ptrdiff_t i) { body(context, i); });
  };
#ifdef _OPENMP
  constexpr bool wakes_a_team = std::same_as<Executor, openmp>;
#else
  constexpr bool wakes_a_team = false;
#endif
  return {&executor, parallel_for, wakes_a_team};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
