// The weights of a block that carry bits, side by side, so that their preimages are computed
// densely.
#pragma once

#include <cstdint>

#include "block.hpp"
#include "element_code.hpp"

namespace revlora::inline v0::detail {

template <element T, class Code>
class coded_weights {
 public:
  int size() const { return size_; }
  int position(int n) const { return position_[n]; }  ///< 64·row + column

  /// Adds the weights of a row whose columns are marked, given the merged row and its deltas.
  void add_row(int row, std::uint64_t columns, const T* merged, const float* delta) {
    for (; columns != 0; columns &= columns - 1) {
      const int j = std::countr_zero(columns);
      position_[size_] = static_cast<std::uint16_t>(row * block_cols + j);
      merged_[size_] = bits_of(merged[j]);
      delta_[size_++] = delta[j];
    }
  }

  /// To be called when all are added and before the first shape is asked for.
  void find_candidates() {
    for (int n = size_; n % step != 0; ++n) merged_[n] = 0, delta_[n] = 0;
    for (int n = 0; n < size_; n += step)
      find_some(merged_ + n, delta_ + n, lowest_ + n, count_ + n);
  }

  code_shape<T> shape(int n) const { return {merged_[n], delta_[n], {lowest_[n], count_[n]}}; }
  std::uint32_t merged(int n) const { return merged_[n]; }

 private:
  static constexpr int step = 16;

  // On its own, and with nothing left to call, so that compilers make vector code of it.
  [[gnu::noinline]] static void find_some(const std::uint32_t* __restrict merged,
                                          const float* __restrict delta,
                                          std::uint32_t* __restrict lowest,
                                          std::uint32_t* __restrict count) {
    for (int n = 0; n < step; ++n) {
      const preimage found = Code::candidates(merged[n], delta[n]);
      lowest[n] = found.lowest;
      count[n] = found.count;
    }
  }

  int size_ = 0;
  alignas(64) std::uint32_t merged_[block_size];
  alignas(64) float delta_[block_size];
  alignas(64) std::uint32_t lowest_[block_size];
  alignas(64) std::uint32_t count_[block_size];
  std::uint16_t position_[block_size];
};

}  // namespace revlora::inline v0::detail
