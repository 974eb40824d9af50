// Which benchmarks run.
#pragma once

#include <string>
#include <vector>

#include "task.hpp"
#include "verb.hpp"

namespace bench {

struct pair_of_types {
  revlora::element_type weights, factors;
};

/// All that its lists can be combined to.
struct selection {
  std::vector<std::string> verbs{"merge"};
  std::vector<pair_of_types> types{{revlora::element_type::bf16, revlora::element_type::bf16}};
  std::vector<shape> shapes{{4096, 4096}};
  std::vector<std::ptrdiff_t> ranks{16};
  std::vector<double> percents{1};
  std::vector<int> threads{2};
};

struct measurement {
  const verb* what;
  task how;
};

/// All combinations, none twice; without those that a verb does not take, and without verbs that
/// this build and machine do not have.
std::vector<measurement> measurements_of(const std::vector<selection>&);

/// What every change should be measured with: half a minute.
std::vector<selection> quick_selections();
/// Some five minutes.
std::vector<selection> full_selections();

/// What --verbs, --types and so on were given.
struct wish {
  std::vector<std::string> verbs, types, shapes, ranks, percents, threads;

  bool is_empty() const;
};

/// Throws std::invalid_argument, which says what is wrong and what can be given.
selection selection_of(const wish&);

}  // namespace bench
