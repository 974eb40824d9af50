// The weights of a block that carry bits, side by side, so that their preimages are computed
// densely.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "block.hpp"
#include "convert.hpp"
#include "element_code.hpp"

namespace revlora::inline v0::detail {

template <element T, class Code>
class coded_weights {
 public:
  int size() const { return size_; }
  int position(int n) const { return of(n).position[n % step]; }  ///< 64·row + column

  /// Adds the weights of a row whose columns are marked, given the merged row and its deltas.
  void add_row(int row, std::uint64_t columns, const T* merged, const float* delta) {
    for (; columns != 0; columns &= columns - 1) {
      const int j = std::countr_zero(columns);
      some& last = some_[size_ / step];
      last.position[size_ % step] = static_cast<std::uint16_t>(row * block_cols + j);
      last.merged[size_ % step] = bits_of(merged[j]);
      last.delta[size_ % step] = delta[j];
      ++size_;
    }
  }

  /// To be called when all are added and before the first shape is asked for.
  void find_candidates() {
    for (int n = size_; n % step != 0; ++n) {
      some_[n / step].merged[n % step] = 0;
      some_[n / step].delta[n % step] = 0;
    }
    for (int n = 0; n < size_; n += step) find(some_[n / step]);
  }

  /// Whether each of them merges to what it was merged to, given the block as it is to be restored.
  bool lead_to_merged(const T* restored) const {
    std::uint32_t wrong = 0;
    for (int n = 0; n < size_; n += step) {
      const int count = std::min(step, size_ - n);
      alignas(64) std::uint32_t base[step] = {};  // zero merges to zero
      for (int i = 0; i < count; ++i) base[i] = bits_of(restored[position(n + i)]);
      wrong |= differences(base, of(n));
    }
    return wrong == 0;
  }

  code_shape<T> shape(int n) const {
    const some& its = of(n);
    const int i = n % step;
    return {its.merged[i], its.delta[i], {its.lowest[i], its.count[i]}};
  }

 private:
  static constexpr int step = 16;

  // Together, because arrays of a whole block would lie 4 KiB apart and compete for the same places
  // of the cache.
  struct alignas(64) some {
    std::uint32_t merged[step];
    float delta[step];
    std::uint32_t lowest[step];
    std::uint32_t count[step];
    std::uint16_t position[step];
  };

  const some& of(int n) const { return some_[n / step]; }

  // On its own, and with nothing left to call, so that compilers make vector code of it.
  [[gnu::noinline]] static void find(some& those) {
    std::uint32_t lowest[step], count[step];
    for (int n = 0; n < step; ++n) {
      const preimage found = Code::candidates(those.merged[n], those.delta[n]);
      lowest[n] = found.lowest;
      count[n] = found.count;
    }
    std::memcpy(those.lowest, lowest, sizeof lowest);
    std::memcpy(those.count, count, sizeof count);
  }

  // Likewise. Not zero if one of `base` does not merge to what is there.
  [[gnu::noinline]] static std::uint32_t differences(const std::uint32_t* base, const some& those) {
    std::uint32_t different = 0;
    for (int n = 0; n < step; ++n)
      different |= narrow<T>(widen<T>(base[n]) + those.delta[n]) ^ those.merged[n];
    return different;
  }

  int size_ = 0;
  some some_[block_size / step];
};

}  // namespace revlora::inline v0::detail
