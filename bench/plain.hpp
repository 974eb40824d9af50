// The roof, merges without a record, and the checksums alone.
#pragma once

#include "cold_weights.hpp"

namespace bench {

/// Reads and writes some bytes, and does as little as can be between; compilers make vectors of it.
inline void flip_bits(void* bytes, std::size_t count) {
  auto* const at = static_cast<unsigned char*>(bytes);
  for (std::size_t i = 0; i < count; ++i) at[i] ^= 1;
}

template <revlora::element T>
void roof(benchmark::State& state, const task& t) {
  cold_weights<T> weights(t.size);
  for (auto _ : state) {
    const auto w = weights.next();
    revlora::openmp{t.threads}.parallel_for(w.rows, [&](std::ptrdiff_t row) {
      T* const at = w.data + row * w.row_stride;
      flip_bits(at, static_cast<std::size_t>(w.cols) * sizeof(T));
    });
  }
}

template <revlora::element T, revlora::element F, class Target = revlora::default_target>
void plain_merge(benchmark::State& state, const task& t) {
  cold_weights<T> weights(t.size);
  const random_adapter<F> adapter(t);
  for (auto _ : state)
    benchmark::DoNotOptimize(
        revlora::merge<Target>(weights.next(), adapter.view(), revlora::openmp{t.threads}));
}

template <revlora::element T>
void checksum(benchmark::State& state, const task& t) {
  cold_weights<T> weights(t.size);
  revlora::undo_record record;
  revlora::merge(weights.next(), {}, record);
  for (auto _ : state)
    benchmark::DoNotOptimize(revlora::state_of(weights.next(), record, revlora::openmp{t.threads}));
}

}  // namespace bench
