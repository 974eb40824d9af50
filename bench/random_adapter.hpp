// Random weights and adapters, the same in every run.
#pragma once

#include <cmath>
#include <map>
#include <random>
#include <revlora/revlora.hpp>
#include <vector>

#include "task.hpp"

namespace bench {

inline constexpr double weight_deviation = 0.02;

/// Normal numbers, the same at every call.
template <revlora::element T>
std::vector<T> normal(std::ptrdiff_t count, double deviation, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0.0f, static_cast<float>(deviation));
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& value : values) value = T(distribution(generator));
  return values;
}

/// The base that all copies are of. Made once for each size: drawing it takes longer than a merge.
template <revlora::element T>
const std::vector<T>& base_weights(shape s) {
  static std::map<std::ptrdiff_t, std::vector<T>> bases;
  std::vector<T>& base = bases[s.rows * s.cols];
  if (base.empty()) base = normal<T>(s.rows * s.cols, weight_deviation, 1);
  return base;
}

/// Factors of an adapter whose delta has a given standard deviation.
template <revlora::element F>
class random_adapter {
 public:
  explicit random_adapter(const task& t, unsigned seed = 2)
      : random_adapter(t, t.percent > 0 ? t.percent : 1, seed) {}
  random_adapter(const task& t, double percent, unsigned seed)
      : size_(t.size),
        rank_(t.rank),
        strength_(percent / 100 * weight_deviation / std::sqrt(static_cast<double>(rank_))),
        b_(normal<F>(size_.rows * rank_, 1, seed)),
        a_(normal<F>(rank_ * size_.cols, 1, seed + 1)) {}

  revlora::low_rank view() const {
    return {revlora::matrix_view(b_.data(), size_.rows, rank_),
            revlora::matrix_view(a_.data(), rank_, size_.cols), static_cast<float>(strength_)};
  }

 private:
  shape size_;
  std::ptrdiff_t rank_;
  double strength_;
  std::vector<F> b_, a_;
};

}  // namespace bench
