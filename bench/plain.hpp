// The roof, merges without a record, and the checksums alone.
#pragma once

#include <revlora/detail/kernels/simd.hpp>

#include "cold_weights.hpp"

namespace bench {

template <revlora::element T>
void roof(benchmark::State& state, const task& t) {
  using vector = revlora::detail::words<xsimd::default_arch>;
  constexpr std::ptrdiff_t lanes = vector::size * sizeof(std::uint32_t) / sizeof(T);
  cold_weights<T> weights(t.size);
  for (auto _ : state) {
    const auto w = weights.next();
    revlora::openmp{t.threads}.parallel_for(w.rows, [&](std::ptrdiff_t row) {
      T* const at = w.data + row * w.row_stride;
      for (std::ptrdiff_t j = 0; j + lanes <= w.cols; j += lanes) {
        const auto changed =
            vector::load_unaligned(reinterpret_cast<std::uint32_t*>(at + j)) ^ vector(1u);
        changed.store_unaligned(reinterpret_cast<std::uint32_t*>(at + j));
      }
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
