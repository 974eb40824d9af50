// Eigen: noalias() += on maps.
#include <Eigen/Core>

#include "peers.hpp"

namespace bench {

adder<float> eigen(const revlora::low_rank& adapter, std::ptrdiff_t stride, int threads) {
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::setNbThreads(threads);
  return [=](float* w) {
    const revlora::any_const_matrix b = adapter.b(), a = adapter.a();
    const Eigen::Map<const matrix> up(static_cast<const float*>(b.data()), b.rows(), b.cols());
    const Eigen::Map<const matrix> down(static_cast<const float*>(a.data()), a.rows(), a.cols());
    Eigen::Map<matrix, Eigen::Unaligned, Eigen::OuterStride<>> sum(w, b.rows(), a.cols(),
                                                                   Eigen::OuterStride<>(stride));
    sum.noalias() += adapter.strength() * up * down;
  };
}

std::string eigen_version() {
  return std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
         std::to_string(EIGEN_MINOR_VERSION) + ", " + Eigen::SimdInstructionSetsInUse();
}

}  // namespace bench
