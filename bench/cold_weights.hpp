// Weights that no cache holds: matrices used in turn, together far larger than any cache, as the
// layers of a model are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <revlora/revlora.hpp>
#include <vector>

#include "random_adapter.hpp"

namespace bench {

inline constexpr std::size_t working_set = std::size_t{5} << 28;  // 1.25 GiB

/// Memory that goes from benchmark to benchmark: fresh pages, and even filling old ones, cost more
/// than the work that is timed.
struct lasting_memory {
  // Room for one matrix more than fills the working set; a matrix may be as large as that itself.
  const std::unique_ptr<std::byte, decltype(&std::free)> bytes{
      static_cast<std::byte*>(std::aligned_alloc(64, 2 * working_set)), &std::free};
  std::optional<revlora::element_type> type;  ///< of the weights that it holds
  std::size_t filled = 0;                     ///< so many bytes hold weights of that type
  std::size_t cursor = 0;                     ///< behind the bytes that were used last
};
inline lasting_memory& working_memory() {
  static lasting_memory memory;
  return memory;
}

/// As many matrices as fill the working set: copies of the base, or what other benchmarks have made
/// of them, which takes the same time to work on.
template <revlora::element T>
class cold_weights {
 public:
  explicit cold_weights(shape s, lasting_memory& memory = working_memory())
      : shape_(s),
        base_(base_weights<T>(s)),
        bytes_(base_.size() * sizeof(T)),
        count_(1 + working_set / bytes_),
        memory_(memory) {
    if (memory.type != revlora::element_type_of<T>) memory.filled = 0;
    memory.type = revlora::element_type_of<T>;
    if (memory.filled < count_ * bytes_) restore(memory.filled / bytes_, count_);
  }

  std::size_t count() const { return count_; }

  revlora::matrix_view<T> operator[](std::size_t i) {
    memory_.cursor = (i + 1) * bytes_;
    return {at(i), shape_.rows, shape_.cols};
  }

  /// The one that was used longest ago, by this benchmark or by another.
  revlora::matrix_view<T> next() { return (*this)[memory_.cursor / bytes_ % count_]; }

  /// Makes a range of them copies of the base.
  void restore(std::size_t first, std::size_t last) {
    if (first == last) return;
    revlora::default_executor{}.parallel_for(
        static_cast<std::ptrdiff_t>(last - first), [&](std::ptrdiff_t i) {
          std::memcpy(at(first + static_cast<std::size_t>(i)), base_.data(), bytes_);
        });
    memory_.filled = std::max(memory_.filled, last * bytes_);
  }

 private:
  T* at(std::size_t i) { return reinterpret_cast<T*>(memory_.bytes.get() + i * bytes_); }

  shape shape_;
  const std::vector<T>& base_;
  std::size_t bytes_, count_;
  lasting_memory& memory_;
};

}  // namespace bench
