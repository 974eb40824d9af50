// How many weights a kernel changes. Padding never is: it stays zero.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "block.hpp"
#include "simd.hpp"
#include "stored_weights.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::change_counts;

inline change_counts& operator+=(change_counts& sum, const change_counts& more) {
  sum.changed += more.changed;
  sum.became_not_finite += more.became_not_finite;
  return sum;
}

/// Counts the weights of a block whose bits differ, by pairs of vectors.
template <class Arch, element T>
class change_counter {
 public:
  [[gnu::always_inline]] void add(const stored_pair<Arch, T>& before,
                                  const stored_pair<Arch, T>& after) {
#pragma GCC unroll 2
    for (int i = 0; i < stored_pair<Arch, T>::vectors; ++i) {
      const auto is_equal = lanes_of(before.words_of(i)) == lanes_of(after.words_of(i));
      if constexpr (sizeof is_equal.data == sizeof equal_.data)  // then a lane that is true is −1
        equal_ = equal_ - vector(std::bit_cast<typename vector::register_type>(is_equal.data));
      else
        count_ += std::popcount(to_integer<Arch>(is_equal));
    }
    seen_ += 2 * lanes<Arch>;
  }

  std::int64_t changed() const {
    alignas(64) typename vector::value_type equal[vector::size];
    equal_.store_aligned(equal);
    std::int64_t sum = seen_ - count_;
    for (const auto lane : equal) sum -= lane;
    return sum;
  }

 private:
  /// As many lanes as a pair has weights.
  static auto lanes_of(words<Arch> bits) {
    if constexpr (stored_pair<Arch, T>::vectors == 2)
      return bits;
    else
      return as_halves<Arch>(bits);
  }
  using vector = decltype(lanes_of(words<Arch>()));

  vector equal_ = vector(typename vector::value_type{0});
  int count_ = 0, seen_ = 0;
};

/// Of a block that is read from one place and from another; both can be read in full.
template <class Arch, element T>
std::int64_t count_changes(const weight_block<T>& before, const weight_block<T>& after) {
  change_counter<Arch, T> changes;
  for (int row = 0; row < block_rows; ++row)
#pragma GCC unroll 8
    for (int left = 0; left < block_cols; left += 2 * lanes<Arch>)
      changes.add(stored_pair<Arch, T>::load(before.row(row) + left),
                  stored_pair<Arch, T>::load(after.row(row) + left));
  return changes.changed();
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
