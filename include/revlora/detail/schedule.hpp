// Pieces of work over an executor, each in IEEE mode.
#pragma once

#include <concepts>
#include <cstddef>

#include "../parallel.hpp"
#include "ieee_mode.hpp"
#include "namespace.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

/// Fewer numbers than this are worked on faster than an OpenMP team is woken: 128×128 weights take
/// 5 µs without a record, 10 with one.
inline constexpr std::ptrdiff_t worth_a_team = std::ptrdiff_t{1} << 15;

/// `elements` is how many numbers the pieces work on in all.
template <executor Executor, class Work>
void for_each(const Executor& executor, std::ptrdiff_t count,
              [[maybe_unused]] std::ptrdiff_t elements, const Work& work) {
  if (count <= 0) return;
  const auto piece = [&work](std::ptrdiff_t i) { in_ieee_mode(work, i); };
#ifdef _OPENMP
  if constexpr (std::same_as<Executor, openmp>)
    if (elements < worth_a_team) return serial{}.parallel_for(count, piece);
#endif
  executor.parallel_for(count, piece);
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
