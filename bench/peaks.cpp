// Loops of nothing but independent multiply-adds.
#include "peaks.hpp"

#include <chrono>
#include <revlora/revlora.hpp>

#include "peak_amx.hpp"

namespace bench {
namespace {

namespace dispatch = revlora::dispatch;

constexpr int steps = 1 << 16;

// More than latency times throughput of any machine, and together with two factors not more than
// the 16 registers of AVX2.
constexpr int chains = 12;

// As wide as the registers of what this file is compiled for.
#if defined(__AVX512F__)
constexpr int register_bytes = 64;
#elif defined(__AVX__)
constexpr int register_bytes = 32;
#else
constexpr int register_bytes = 16;
#endif
using vector [[gnu::vector_size(register_bytes)]] = float;
constexpr int lanes = register_bytes / 4;

template <class Step>
void run_chains(const Step& step) {
  vector factor = vector{} + 0.5f, other = vector{} + 0.25f, sums[chains];
  for (int i = 0; i < chains; ++i) sums[i] = vector{} + static_cast<float>(i);  // or else one
  for (int i = 0; i < steps; ++i)
    for (vector& sum : sums) sum = step(factor, other, sum);
  benchmark::DoNotOptimize(sums);
}

// Contracted to one instruction where there is one: with floating-point types of vectors as with
// others, GCC and Clang do it within an expression.
void run_fma() {
  run_chains([](vector a, vector b, vector c) { return a * b + c; });
}
constexpr double flops_of_fma = 2.0 * lanes * chains * steps;

/// Of a unit: `run` on each thread at a time. The counter `flops` is operations per second.
void measure(benchmark::State& state, const task& t, void (*run)(), double flops) {
  double seconds = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    revlora::openmp{t.threads}.parallel_for(t.threads, [=](std::ptrdiff_t) { run(); });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(took.count());
    seconds += took.count();
  }
  state.counters["flops"] = flops * t.threads * static_cast<double>(state.iterations()) / seconds;
}

#if defined(__AVX512F__)
void run_dot_pairs() {
  run_chains([](vector a, vector b, vector c) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
    return c;
  });
}
#endif

}  // namespace

std::vector<verb> peaks() {
  std::vector<verb> found;
  found.push_back({"peak_fma", of_threads, [](benchmark::State& state, const task& t) {
                     measure(state, t, run_fma, flops_of_fma);
                   }});
#if defined(__AVX512F__)
  if (dispatch::runs_here(dispatch::instruction_set::avx512bf16))
    found.push_back({"peak_dot_pairs", of_threads, [](benchmark::State& state, const task& t) {
                       measure(state, t, run_dot_pairs, 2 * flops_of_fma);
                     }});
#endif
  if (can_run_amx())
    found.push_back({"peak_amx", of_threads, [](benchmark::State& state, const task& t) {
                       measure(state, t, run_amx, flops_of_amx);
                     }});
  return found;
}

}  // namespace bench
