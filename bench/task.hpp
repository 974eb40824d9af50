// What one benchmark does, and the name that says so.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <revlora/element.hpp>
#include <sstream>
#include <string>

namespace bench {

struct shape {
  std::ptrdiff_t rows = 0, cols = 0;
};

/// Parts that are zero are no part of the name.
struct task {
  std::string verb;  ///< "merge"; "merge@avx512bf16" where the instruction set is forced
  shape size = {};
  std::ptrdiff_t rank = 0;
  double percent = 0;  ///< std(D)/std(W); adapters have 1 % where it is not named
  int threads = 0;
};

/// merge_exact/bf16/bf16/4096x4096/r16/d1/t2, in this order.
template <revlora::element... Types>
std::string name_of(const task& t) {
  std::ostringstream name;
  name << t.verb;
  ((name << '/' << revlora::name_of(revlora::element_type_of<Types>)), ...);
  if (t.size.rows > 0) name << '/' << t.size.rows << 'x' << t.size.cols;
  if (t.rank > 0) name << "/r" << t.rank;
  if (t.percent > 0) name << "/d" << t.percent;
  if (t.threads > 0) name << "/t" << t.threads;
  return name.str();
}

/// Registers `run(state, task)`.
template <revlora::element... Types, class Run>
void add(const task& t, const Run& run) {
  benchmark::RegisterBenchmark(name_of<Types...>(t).c_str(), [=](benchmark::State& state) {
    run(state, t);
  })->Unit(benchmark::kMillisecond);
}

}  // namespace bench
