// Other libraries that can add s·B·A to W in place. Each is there if CMake has found it.
#pragma once

#include <functional>
#include <revlora/low_rank.hpp>
#include <string>
#include <vector>

#include "verb.hpp"

namespace bench {

/// W ← W + s·B·A for a row-major W, by a peer that is set up with its adapter, the elements from a
/// row of W to the next, and threads. The adapter's factors have to outlive it.
template <revlora::element T>
using adder = std::function<void(T* w)>;

/// What prepares an adder, or throws why it cannot.
template <revlora::element T>
using peer = adder<T> (*)(const revlora::low_rank& adapter, std::ptrdiff_t stride, int threads);

#ifdef REVLORA_BENCH_OPENBLAS
adder<float> openblas(const revlora::low_rank&, std::ptrdiff_t stride, int threads);
std::string openblas_version();  ///< with the kernels that it chose for this machine
#endif
#ifdef REVLORA_BENCH_EIGEN
adder<float> eigen(const revlora::low_rank&, std::ptrdiff_t stride, int threads);
std::string eigen_version();
#endif
#ifdef REVLORA_BENCH_ONEDNN
template <revlora::element T>
adder<T> onednn(const revlora::low_rank&, std::ptrdiff_t stride, int threads);
std::string onednn_version();  ///< with the implementations that it chose for this machine
#endif

/// peer_openblas, peer_eigen, peer_onednn: those that are there.
std::vector<verb> peers();

}  // namespace bench
