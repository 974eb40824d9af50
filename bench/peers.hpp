// Other libraries that can add s·B·A to W in place. Each is there if CMake has found it.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <revlora/low_rank.hpp>
#include <string>

#include "task.hpp"

namespace bench {

/// W ← W + s·B·A for a row-major W, by a peer that is set up with its adapter and threads. The
/// adapter's factors have to outlive it.
template <revlora::element T>
using adder = std::function<void(T* w)>;

/// What prepares an adder.
template <revlora::element T>
using peer = adder<T> (*)(const revlora::low_rank& adapter, int threads);

/// The type of W and of the factors is T.
template <revlora::element T>
void add_peer(const task& t, peer<T> prepare);

#ifdef REVLORA_BENCH_OPENBLAS
adder<float> openblas(const revlora::low_rank& adapter, int threads);
std::string openblas_version();  ///< with the kernels that it chose for this machine
#endif
#ifdef REVLORA_BENCH_EIGEN
adder<float> eigen(const revlora::low_rank& adapter, int threads);
std::string eigen_version();
#endif
#ifdef REVLORA_BENCH_ONEDNN
template <revlora::element T>
adder<T> onednn(const revlora::low_rank& adapter, int threads);
std::string onednn_version();  ///< with the implementations that it chose for this machine
#endif

/// All of them at one rank.
inline void add_peers([[maybe_unused]] shape size, [[maybe_unused]] std::ptrdiff_t rank,
                      [[maybe_unused]] int threads) {
#ifdef REVLORA_BENCH_OPENBLAS
  add_peer<float>({.verb = "peer_openblas", .size = size, .rank = rank, .threads = threads},
                  openblas);
#endif
#ifdef REVLORA_BENCH_EIGEN
  add_peer<float>({.verb = "peer_eigen", .size = size, .rank = rank, .threads = threads}, eigen);
#endif
#ifdef REVLORA_BENCH_ONEDNN
  const task t{.verb = "peer_onednn", .size = size, .rank = rank, .threads = threads};
  add_peer<float>(t, onednn<float>);
  add_peer<revlora::bf16>(t, onednn<revlora::bf16>);
#endif
}

}  // namespace bench
