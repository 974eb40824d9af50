// Weights that no cache holds: matrices used in turn, together far larger than any cache, as the
// layers of a model are.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <random>
#include <revlora/revlora.hpp>
#include <vector>

namespace bench {

inline constexpr std::size_t working_set = std::size_t{5} << 28;  // 1.25 GiB
inline constexpr double weight_deviation = 0.02;

/// Normal numbers, the same at every call.
template <revlora::element T>
std::vector<T> normal(std::ptrdiff_t count, double deviation, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0.0f, static_cast<float>(deviation));
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& value : values)
    value = revlora::detail::from_bits<T>(revlora::detail::narrow<T>(distribution(generator)));
  return values;
}

/// The memory of all benchmarks, one after the other: fresh pages would cost more than the work.
inline std::byte* working_memory() {
  static const auto memory = std::make_unique_for_overwrite<std::byte[]>(2 * working_set);
  return memory.get();
}

/// The base that all copies are of. Made once for each size: drawing it takes longer than a merge.
template <revlora::element T>
const std::vector<T>& base_weights(std::ptrdiff_t count) {
  static std::vector<T> base;
  if (std::ssize(base) != count) base = normal<T>(count, weight_deviation, 1);
  return base;
}

/// As many copies of one base matrix as fill the working set.
template <revlora::element T>
class cold_weights {
 public:
  cold_weights(std::ptrdiff_t rows, std::ptrdiff_t cols)
      : rows_(rows),
        cols_(cols),
        count_(1 + working_set / bytes()),
        base_(base_weights<T>(rows * cols)),
        memory_(reinterpret_cast<T*>(working_memory())) {
    for (std::size_t i = 0; i < count_; ++i)
      std::memcpy(memory_ + i * base_.size(), base_.data(), bytes());
  }

  std::size_t count() const { return count_; }
  std::ptrdiff_t size() const { return rows_ * cols_; }
  revlora::matrix_view<T> operator[](std::size_t i) {
    return {memory_ + i * base_.size(), rows_, cols_};
  }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(rows_ * cols_) * sizeof(T); }

  std::ptrdiff_t rows_, cols_;
  std::size_t count_;
  const std::vector<T>& base_;
  T* memory_;
};

}  // namespace bench
