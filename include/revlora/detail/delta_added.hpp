// What a list of adapters adds to weights of one type, by the list's recipe.
#pragma once

#include <cstddef>

#include "block.hpp"
#include "convert.hpp"
#include "delta_low_rank.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

/// D ← round(D) to T, for 16×64 deltas.
template <class Arch, element T>
void round_delta(float* delta) {
  for (int i = 0; i < block_size; i += lanes<Arch>) {
    const floats<Arch> d = floats<Arch>::load_aligned(delta + i);
    widen<T>(narrow<T>(d)).store_aligned(delta + i);
  }
}

/// Both recipes are y = round(x + D) with a D that is known when it is taken out again: they differ
/// in D only. An empty list adds nothing, not even +0.
template <class Arch, element T>
class added_delta {
 public:
  /// Throws std::bad_alloc.
  template <executor Executor>
  added_delta(adapter_list adapters, const Executor& executor)
      : sum_(adapters, executor),
        adds_nothing_(adapters.empty()),
        rounds_(adapters.recipe() == recipe::rounded_delta) {}

  bool adds_nothing() const { return adds_nothing_; }

  /// Writes the 16×64 deltas of one block; those outside `rows × cols` are +0. For lists that are
  /// not empty.
  void fill(std::ptrdiff_t panel, std::ptrdiff_t block, int rows, int cols, float* delta) const {
    sum_.fill(panel, block, rows, cols, delta);
    if (rounds_) round_delta<Arch, T>(delta);
  }

 private:
  low_rank_delta<Arch> sum_;
  bool adds_nothing_;
  bool rounds_;
};

}  // namespace revlora::inline v0::detail
