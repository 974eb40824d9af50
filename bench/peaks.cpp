// Loops of nothing but independent multiply-adds.
#include "peaks.hpp"

#include <chrono>
#include <revlora/detail/kernels/simd.hpp>
#include <revlora/revlora.hpp>

#include "peak_amx.hpp"
#include "task.hpp"

namespace bench {
namespace {

namespace dispatch = revlora::dispatch;

constexpr int steps = 1 << 16;

// More than latency times throughput of any machine, and together with two factors not more than
// the 16 registers of AVX2.
constexpr int chains = 12;

template <class Step>
void run_chains(const Step& step) {
  using vector = revlora::detail::floats<xsimd::default_arch>;
  vector factor(0.5f), other(0.25f), sums[chains];
  for (int i = 0; i < chains; ++i) sums[i] = vector(static_cast<float>(i));  // or else they are one
  for (int i = 0; i < steps; ++i)
    for (vector& sum : sums) sum = step(factor, other, sum);
  benchmark::DoNotOptimize(sums);
}

void run_fma() {
  run_chains(
      [](auto a, auto b, auto c) { return revlora::detail::fused<xsimd::default_arch>(a, b, c); });
}
constexpr double flops_of_fma = 2.0 * revlora::detail::lanes<xsimd::default_arch> * chains * steps;

/// The counter is computed here because the library's own rates are by the time of one thread.
void add_peak(const std::string& verb, int threads, void (*run)(), double flops) {
  add({.verb = verb, .threads = threads}, [=](benchmark::State& state, const task& t) {
    double done = 0;
    const auto start = std::chrono::steady_clock::now();
    for (auto _ : state) {
      revlora::openmp{t.threads}.parallel_for(t.threads, [=](std::ptrdiff_t) { run(); });
      done += flops * t.threads;
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    state.counters["flops"] = done / seconds.count();
  });
}

template <class Arch>
void add_peak_dot_pairs(int threads) {
  if constexpr (revlora::detail::has_dot_pairs<Arch>) {
    if (!dispatch::runs_here(dispatch::instruction_set::avx512bf16)) return;
    const auto run = [] {
      run_chains([](auto a, auto b, auto c) { return revlora::detail::dot_pairs<Arch>(a, b, c); });
    };
    add_peak("peak_dot_pairs", threads, run, 2 * flops_of_fma);
  }
}

}  // namespace

void add_peaks(int threads) {
  add_peak("peak_fma", threads, run_fma, flops_of_fma);
  add_peak_dot_pairs<xsimd::default_arch>(threads);
  if (can_run_amx()) add_peak("peak_amx", threads, run_amx, flops_of_amx);
}

}  // namespace bench
