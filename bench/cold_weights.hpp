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
  std::optional<element_type> type;  ///< of the weights that it holds
  std::size_t filled = 0;            ///< so many bytes hold weights of that type
  std::size_t cursor = 0;            ///< behind the bytes that were used last
};
inline lasting_memory& working_memory() {
  static lasting_memory memory;
  return memory;
}

inline std::size_t bytes_of(const task& t) {
  return static_cast<std::size_t>(t.size.rows * t.size.stride) * revlora::size_of(*t.weights);
}

/// As many matrices as fill the working set: copies of the base, or what other benchmarks have made
/// of them, which takes the same time to work on.
class cold_weights {
 public:
  explicit cold_weights(const task& t, lasting_memory& memory = working_memory())
      : type_(*t.weights),
        shape_(t.size),
        base_(base_weights(type_, shape_)),
        count_(1 + working_set / base_.size()),
        memory_(memory) {
    if (memory.type != type_) memory.filled = 0;
    memory.type = type_;
    if (memory.filled < count_ * base_.size()) restore(memory.filled / base_.size(), count_);
  }

  std::size_t count() const { return count_; }

  revlora::any_matrix operator[](std::size_t i) {
    memory_.cursor = (i + 1) * base_.size();
    return {at(i), type_, shape_.rows, shape_.cols, shape_.stride};
  }

  /// The one that was used longest ago, by this benchmark or by another.
  revlora::any_matrix next() { return (*this)[memory_.cursor / base_.size() % count_]; }

  /// Makes a range of them copies of the base.
  void restore(std::size_t first, std::size_t last) {
    if (first == last) return;
    revlora::default_executor{}.parallel_for(
        static_cast<std::ptrdiff_t>(last - first), [&](std::ptrdiff_t i) {
          std::memcpy(at(first + static_cast<std::size_t>(i)), base_.data(), base_.size());
        });
    memory_.filled = std::max(memory_.filled, last * base_.size());
  }

 private:
  std::byte* at(std::size_t i) { return memory_.bytes.get() + i * base_.size(); }

  element_type type_;
  shape shape_;
  const std::vector<std::byte>& base_;
  std::size_t count_;
  lasting_memory& memory_;
};

}  // namespace bench
