// What can be measured.
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "task.hpp"

namespace bench {

/// The parts of a task that a verb heeds.
enum part : unsigned {
  of_weights = 1,
  of_factors = 2,  ///< their type and rank
  of_percent = 4,
  of_threads = 8,
};

struct verb {
  std::string name;
  unsigned heeds;  ///< parts
  void (*run)(benchmark::State&, const task&);
  bool (*takes)(const task&) = [](const task&) { return true; };  ///< types and shape
};

/// All that this build and machine can run.
const std::vector<verb>& verbs();

}  // namespace bench
