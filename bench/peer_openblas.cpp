// OpenBLAS: sgemm with beta = 1.
#include <cblas.h>

#include "peers.hpp"

namespace bench {

adder<float> openblas(const revlora::low_rank& adapter, std::ptrdiff_t stride, int threads) {
  openblas_set_num_threads(threads);
  const auto rows = static_cast<blasint>(adapter.b().rows());
  const auto cols = static_cast<blasint>(adapter.a().cols());
  const auto rank = static_cast<blasint>(adapter.rank());
  return [=](float* w) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, cols, rank, adapter.strength(),
                static_cast<const float*>(adapter.b().data()), rank,
                static_cast<const float*>(adapter.a().data()), cols, 1.0f, w,
                static_cast<blasint>(stride));
  };
}

std::string openblas_version() {
  // "OpenBLAS 0.3.21 NO_AFFINITY USE_OPENMP SkylakeX MAX_THREADS=128"
  return openblas_get_config() + std::string(", kernels for ") + openblas_get_corename();
}

}  // namespace bench
