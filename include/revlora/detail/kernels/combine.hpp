// W ← round(W + D) and W ← round(W − D): the arithmetic of every merge, and the kernel of the plain
// ones.
#pragma once

#include <bit>
#include <cstdint>

#include "../namespace.hpp"
#include "block.hpp"
#include "delta.hpp"
#include "stored_weights.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

/// The smallest fp32 magnitude that is not a finite T after rounding.
template <element T>
inline constexpr std::uint32_t overflow_bits = std::same_as<T, float>  ? 0x7f800000
                                               : std::same_as<T, bf16> ? 0x7f7f8000
                                                                       : 0x477ff000;

/// Rows of a block as they are and as they are to be; the same place, if they are changed there.
template <element T>
struct row_range {
  const T* from;
  std::ptrdiff_t from_stride;
  T* to;
  std::ptrdiff_t to_stride;
};

/// Rows from `first` on, to the first one with a result that is infinite or NaN, which is left as
/// it is; returns which that is. A loop without calls, so that constants stay in registers.
template <class Arch, element T, class Combine>
[[gnu::always_inline]] inline int combine_finite_rows(int first, int rows, row_range<T> range,
                                                      const delta_reader<Arch>& delta,
                                                      const Combine& combine) {
  for (int row = first; row < rows; ++row) {
    const T* const from = range.from + row * range.from_stride;
    T* const to = range.to + row * range.to_stride;
    floats<Arch> sums[pairs_of_row<Arch>][2];
    words<Arch> largest(0u);
    prefetch_right(from);
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
      const auto x = stored_pair<Arch, T>::load(from + pair * 2 * lanes<Arch>);
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        const auto d = delta.at(row * block_cols + delta_offset<Arch, T>(pair, i));
        sums[pair][i] = combine(x.value(i), d);
        largest = xsimd::max(largest, as_words<Arch>(sums[pair][i]) & words<Arch>(0x7fffffffu));
      }
    }
    if (to_integer<Arch>(largest >= words<Arch>(overflow_bits<T>)) != 0) return row;
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
      stored_pair<Arch, T>::of(sums[pair][0], sums[pair][1]).store(to + pair * 2 * lanes<Arch>);
  }
  return rows;
}

/// A row with results that are infinite or NaN, one by one, because it is rare. Returns how many
/// weights became so.
template <element T, class Combine>
[[gnu::noinline]] std::int64_t combine_odd_row(const T* from, const block_delta& delta, int row,
                                               const Combine& combine, T* to) {
  std::int64_t became = 0;
  for (int j = 0; j < block_cols; ++j) {
    const std::uint32_t x = bits_of(from[j]);
    const float d = read_delta_at<T>(delta, row * block_cols + j);
    const std::uint32_t y = narrow<T>(combine(widen<T>(x), d));
    // What is not finite stays so: the difference of the two counts is what became so.
    became += is_not_finite<T>(y) - is_not_finite<T>(x);
    to[j] = from_bits<T>(y);
  }
  return became;
}

/// Rounds `combine(x, D)` for some rows of a block; returns how many weights became infinite or
/// NaN.
template <class Arch, element T, class Combine>
std::int64_t combine_rows(int rows, const row_range<T>& range, const block_delta& delta,
                          const Combine& combine) {
  std::int64_t became = 0;
  for (int row = 0; row < rows; ++row) {
    row = combine_finite_rows<Arch>(row, rows, range, delta_reader<Arch>(delta), combine);
    if (row < rows)
      became += combine_odd_row(range.from + row * range.from_stride, delta, row, combine,
                                range.to + row * range.to_stride);
  }
  return became;
}

/// x + D, which every merge rounds.
inline constexpr auto plus_delta = [](auto x, auto d) { return x + d; };
/// x − D.
inline constexpr auto minus_delta = [](auto x, auto d) { return x - d; };

/// The combine kernel.
template <class Arch, element T>
std::int64_t combine_panel(const kernel_interface::weights& w, const kernel_interface::delta& list,
                           bool subtracts, std::ptrdiff_t panel) {
  panel_deltas<Arch, T> deltas(&list, w, panel);
  const auto run = [&](const auto& combine) {
    std::int64_t became = 0;
    for_each_block<T>(w, panel, [&](std::ptrdiff_t, const weight_block<T>& block) {
      const block_delta& delta = deltas.next();
      if (block.is_whole()) {
        became += combine_rows<Arch, T>(
            block_rows, {block.source, block.source_stride, block.target, block.target_stride},
            delta, combine);
      } else {
        alignas(64) T padded[block_size];
        became += combine_rows<Arch, T>(
            block.rows, {block.source, block.source_stride, padded, block_cols}, delta, combine);
        weight_block<T> result = block;
        result.read_from(padded);
        result.store();
      }
    });
    return became;
  };
  return subtracts ? run(minus_delta) : run(plus_delta);
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
