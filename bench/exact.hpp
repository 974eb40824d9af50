// Merges with an undo record, the way back, swaps, and the size of records.
#pragma once

#include <algorithm>

#include "cold_weights.hpp"
#include "information_bound.hpp"
#include "roof.hpp"

namespace bench {

inline void count_bits(benchmark::State& state, const revlora::undo_record& record, const task& t) {
  state.counters["bits_per_weight"] = 8.0 * static_cast<double>(record.size_bytes()) /
                                      static_cast<double>(t.size.rows * t.size.cols);
}

/// How many matrices a run will use exactly, the first of all, which are prepared for it; those
/// behind, half of them at least, are merged into plainly, for comparison.
inline std::size_t used_by(const benchmark::State& state, const cold_weights& weights) {
  return std::min((weights.count() + 1) / 2, static_cast<std::size_t>(state.max_iterations));
}

/// Times `work(i)` for the first matrices, one after the other, again and again, beside plain
/// merges; not timed is `prepare()` before each round. The counter `above_plain` is what work takes
/// longer than a plain merge, in roofs.
template <class Prepare, class Work>
void in_rounds(benchmark::State& state, const task& t, cold_weights& weights,
               const random_adapter& adapter, std::size_t count, const Prepare& prepare,
               const Work& work) {
  beside_roof calls(state, t);
  std::size_t i = count, plain = 0;
  const auto merge_plainly = [&] {
    revlora::merge(weights[count + plain], adapter.view(), revlora::openmp{t.threads});
  };
  for (auto _ : state) {
    if (i == count) {
      prepare();
      i = 0;
    }
    calls.time(
        merge_plainly, [&] { work(i); }, "above_plain",
        [](double call, double plainly, double pass) { return (call - plainly) / pass; });
    ++i;
    plain = (plain + 1) % (weights.count() - count);
  }
}

/// Merges an adapter into the first matrices.
inline void merge_all(cold_weights& weights, const random_adapter& adapter,
                      std::vector<revlora::undo_record>& records) {
  weights.restore(0, records.size());
  for (std::size_t i = 0; i < records.size(); ++i)
    revlora::merge(weights[i], adapter.view(), records[i]);
  weights.restore(records.size(), weights.count());
}

/// Into fresh records, as when a model is merged for the first time.
inline void exact_merge(benchmark::State& state, const task& t) {
  cold_weights weights(t);
  const random_adapter adapter(t);
  std::vector<revlora::undo_record> records(used_by(state, weights));
  const auto prepare = [&] {
    std::fill(records.begin(), records.end(), revlora::undo_record());
    weights.restore(0, weights.count());
  };
  in_rounds(state, t, weights, adapter, records.size(), prepare, [&](std::size_t i) {
    revlora::merge(weights[i], adapter.view(), records[i], revlora::openmp{t.threads});
  });
  count_bits(state, records[0], t);
}

inline void exact_unmerge(benchmark::State& state, const task& t) {
  cold_weights weights(t);
  const random_adapter adapter(t);
  std::vector<revlora::undo_record> records(used_by(state, weights));
  in_rounds(
      state, t, weights, adapter, records.size(), [&] { merge_all(weights, adapter, records); },
      [&](std::size_t i) {
        revlora::unmerge(weights[i], adapter.view(), records[i], revlora::openmp{t.threads});
      });
}

/// Goes through the weights again and again, each time from the adapter that is in to the other.
inline void exact_swap(benchmark::State& state, const task& t) {
  cold_weights weights(t);
  const random_adapter one(t), other(t, 4);
  const revlora::low_rank adapters[] = {one.view(), other.view()};
  std::vector<revlora::undo_record> records(used_by(state, weights));
  merge_all(weights, one, records);
  int merged = 1;
  in_rounds(
      state, t, weights, one, records.size(), [&] { merged = 1 - merged; },
      [&](std::size_t i) {
        revlora::swap(weights[i], adapters[merged], adapters[1 - merged], records[i],
                      revlora::openmp{t.threads});
      });
}

/// Not timed: the size of a record, beside the least it could have.
inline void record_size(benchmark::State& state, const task& t) {
  const std::vector<std::byte>& base = base_weights(*t.weights, t.size);
  const random_adapter adapter(t);
  cold_weights weights(t);
  revlora::undo_record record;
  for (auto _ : state) {
    weights.restore(0, 1);
    revlora::merge(weights[0], adapter.view(), record);
    state.SetIterationTime(1);
  }
  count_bits(state, record, t);
  state.counters["bound_bits_per_weight"] = with_type(*t.weights, [&]<class T>(T) {
    return oracle::information_bound<T>(
        {reinterpret_cast<const T*>(base.data()), t.size.rows, t.size.cols, t.size.stride},
        adapter.view(), 8, revlora::default_executor{});
  });
}

}  // namespace bench
