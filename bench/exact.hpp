// Merges with an undo record, the way back, swaps, and the size of records.
#pragma once

#include <algorithm>
#include <tuple>

#include "cold_weights.hpp"
#include "information_bound.hpp"

namespace bench {

/// The size of a record, beside the least it could have.
template <revlora::element T, revlora::element F>
void count_bits(benchmark::State& state, const revlora::undo_record& record, const task& t) {
  using key = std::tuple<std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, double>;
  static std::map<key, double> bounds;  // counting takes longer than a benchmark
  const auto [at, is_new] = bounds.try_emplace({t.size.rows, t.size.cols, t.rank, t.percent}, 0);
  if (is_new) {
    const random_adapter<F> adapter(t);
    const revlora::matrix_view base(base_weights<T>(t.size).data(), t.size.rows, t.size.cols);
    at->second = oracle::information_bound<T>(base, adapter.view(), 8, revlora::default_executor{});
  }
  state.counters["bits_per_weight"] = 8.0 * static_cast<double>(record.size_bytes()) /
                                      static_cast<double>(t.size.rows * t.size.cols);
  state.counters["bound_bits_per_weight"] = at->second;
}

/// How many matrices a run will use. Only they are prepared; then, so that they are cold, the
/// others are copied.
template <class Weights>
std::size_t used_by(const benchmark::State& state, const Weights& weights) {
  return std::min(weights.count(), static_cast<std::size_t>(state.max_iterations));
}

/// Times `work(i)` for one matrix after the other, again and again; not timed is `prepare()` before
/// each round.
template <class Prepare, class Work>
void in_rounds(benchmark::State& state, std::size_t count, const Prepare& prepare,
               const Work& work) {
  std::size_t i = count;
  for (auto _ : state) {
    if (i == count) {
      state.PauseTiming();
      prepare();
      i = 0;
      state.ResumeTiming();
    }
    work(i++);
  }
}

template <revlora::element T, revlora::element F, class Target = revlora::default_target>
void exact_merge(benchmark::State& state, const task& t) {
  cold_weights<T> weights(t.size);
  const random_adapter<F> adapter(t);
  std::vector<revlora::undo_record> records(used_by(state, weights));
  in_rounds(
      state, records.size(), [&] { weights.restore(0, weights.count()); },
      [&](std::size_t i) {
        revlora::merge<Target>(weights[i], adapter.view(), records[i], revlora::openmp{t.threads});
      });
  count_bits<T, F>(state, records[0], t);
}

template <revlora::element T, revlora::element F, class Target = revlora::default_target>
void exact_unmerge(benchmark::State& state, const task& t) {
  cold_weights<T> weights(t.size);
  const random_adapter<F> adapter(t);
  std::vector<revlora::undo_record> records(used_by(state, weights));
  const auto merge_all = [&] {
    weights.restore(0, records.size());
    for (std::size_t i = 0; i < records.size(); ++i)
      revlora::merge<Target>(weights[i], adapter.view(), records[i]);
    weights.restore(records.size(), weights.count());
  };
  in_rounds(state, records.size(), merge_all, [&](std::size_t i) {
    revlora::unmerge<Target>(weights[i], adapter.view(), records[i], revlora::openmp{t.threads});
  });
  count_bits<T, F>(state, records[0], t);
}

/// Goes through the weights again and again, each time from the adapter that is in to the other.
template <revlora::element T, revlora::element F, class Target = revlora::default_target>
void exact_swap(benchmark::State& state, const task& t) {
  cold_weights<T> weights(t.size);
  const random_adapter<F> one(t), other(t, 4);
  std::vector<revlora::undo_record> records(used_by(state, weights));
  weights.restore(0, records.size());
  for (std::size_t i = 0; i < records.size(); ++i)
    revlora::merge<Target>(weights[i], one.view(), records[i]);
  weights.restore(records.size(), weights.count());
  std::size_t i = 0;
  bool forth = true;
  for (auto _ : state) {
    revlora::swap<Target>(weights[i], forth ? one.view() : other.view(),
                          forth ? other.view() : one.view(), records[i],
                          revlora::openmp{t.threads});
    if (++i < records.size()) continue;
    i = 0;
    forth = !forth;
  }
}

/// The size matters here; the time is that of a merge on all threads into one and the same matrix.
template <revlora::element T, revlora::element F>
void record_size(benchmark::State& state, const task& t) {
  const revlora::matrix_view base(base_weights<T>(t.size).data(), t.size.rows, t.size.cols);
  cold_weights<T> merged(t.size);
  const random_adapter<F> adapter(t);
  revlora::undo_record record;
  for (auto _ : state) revlora::merge(base, merged[0], adapter.view(), record);
  count_bits<T, F>(state, record, t);
}

}  // namespace bench
