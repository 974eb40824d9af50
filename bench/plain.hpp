// Merges without a record, and the checksums alone.
#pragma once

#include "cold_weights.hpp"
#include "roof.hpp"

namespace bench {

template <class Target = revlora::default_target>
void plain_merge(benchmark::State& state, const task& t) {
  cold_weights weights(t);
  const random_adapter adapter(t);
  beside_roof calls(state, t);
  for (auto _ : state)
    calls.time([&] {
      revlora::merge<Target>(weights.next(), adapter.view(), revlora::openmp{t.threads});
    });
}

inline void checksum(benchmark::State& state, const task& t) {
  cold_weights weights(t);
  revlora::undo_record record;
  revlora::merge(weights.next(), {}, record);
  beside_roof calls(state, t);
  for (auto _ : state)
    calls.time([&] {
      benchmark::DoNotOptimize(
          revlora::state_of(weights.next(), record, revlora::openmp{t.threads}));
    });
}

}  // namespace bench
