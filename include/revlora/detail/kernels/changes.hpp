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

/// Counts lanes that are true, each lane on its own: at most 32,767 of 16 bits.
template <class Vector>
class lane_counter {
 public:
  template <class Mask>
  [[gnu::always_inline]] void add(Mask mask) {
    using arch = typename Vector::arch_type;
    if constexpr (requires { native<arch>::counted(sums_.data, mask.data); })
      sums_ = Vector(native<arch>::counted(sums_.data, mask.data));
    else  // a mask is a vector: a lane that is true is −1
      sums_ = sums_ - Vector(std::bit_cast<typename Vector::register_type>(mask.data));
  }
  std::int64_t sum() const {
    alignas(64) typename Vector::value_type sums[Vector::size];
    sums_.store_aligned(sums);
    std::int64_t all = 0;
    for (const auto lane : sums) all += lane;
    return all;
  }

 private:
  Vector sums_ = Vector(typename Vector::value_type{0});
};

/// Counts the weights whose bits differ, by pairs of vectors, of at most `most_blocks`.
template <class Arch, element T>
class change_counter {
 public:
  [[gnu::always_inline]] void add(const stored_pair<Arch, T>& before,
                                  const stored_pair<Arch, T>& after) {
#pragma GCC unroll 2
    for (int i = 0; i < stored_pair<Arch, T>::vectors; ++i)
      equal_.add(lanes_of(before.words_of(i)) == lanes_of(after.words_of(i)));
    seen_ += 2 * lanes<Arch>;
  }

  std::int64_t changed() const {
    return seen_ - equal_.sum();
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

 public:
  static constexpr std::ptrdiff_t most_blocks =
      32767 / (block_size / static_cast<std::ptrdiff_t>(vector::size));

 private:
  lane_counter<vector> equal_;
  std::int64_t seen_ = 0;
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
