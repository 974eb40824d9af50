// W ← round(W + D) and W ← round(W − D): the arithmetic of every merge, and the kernel of the plain
// ones.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "../namespace.hpp"
#include "block.hpp"
#include "changes.hpp"
#include "delta.hpp"
#include "maps/map.hpp"
#include "stored_weights.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Rows of a block as they are and as they are to be; the same place, if they are changed there.
template <element T>
struct row_range {
  const T* from;
  std::ptrdiff_t from_stride;
  T* to;
  std::ptrdiff_t to_stride;
};

/// A row of a block, by pairs of vectors, before and after.
template <class Arch, element T>
struct combined_row {
  stored_pair<Arch, T> before[pairs_of_row<Arch>], after[pairs_of_row<Arch>];
  floats<Arch> delta[pairs_of_row<Arch>][2];

  combined_row() = default;
  explicit combined_row(const delta_row<Arch>& d) {
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) delta[pair][i] = d[delta_offset<Arch, T>(pair, i) / lanes<Arch>];
  }
};

/// Rounds the numbers of a row. False if one is such that the result is infinite or NaN: then they
/// are not rounded.
template <class Arch, map Map, element T = typename Map::weight>
[[gnu::always_inline]] inline bool round_finite(
    const floats<Arch> (&numbers)[pairs_of_row<Arch>][2],
    stored_pair<Arch, T> (&rounded)[pairs_of_row<Arch>]) {
  using pair_type = stored_pair<Arch, T>;
  if constexpr (requires { pair_type::of_normal(numbers[0][0], numbers[0][1]); }) {
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
      rounded[pair] = pair_type::of_normal(numbers[pair][0], numbers[pair][1]);
    if (pair_type::are_normal(rounded)) [[likely]]
      return true;
  }
  words<Arch> largest(0u);
#pragma GCC unroll 8
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i)
      largest = xsimd::max(largest, as_words<Arch>(numbers[pair][i]) & words<Arch>(0x7fffffffu));
  if (to_integer<Arch>(largest >= words<Arch>(Map::unrounded_from)) != 0) return false;
#pragma GCC unroll 8
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
    rounded[pair] = pair_type::of(numbers[pair][0], numbers[pair][1]);
  return true;
}

/// Rounds x + D of a row, D being in `weights`, and writes it. False, and nothing is written, if a
/// result is infinite or NaN.
template <class Arch, map Map, element T = typename Map::weight>
[[gnu::always_inline]] inline bool combine_finite_row(const T* from, combined_row<Arch, T>& weights,
                                                      T* to) {
  floats<Arch> numbers[pairs_of_row<Arch>][2];
  prefetch_right(from);
#pragma GCC unroll 8
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
    weights.before[pair] = stored_pair<Arch, T>::load(from + pair * 2 * lanes<Arch>);
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i)
      numbers[pair][i] = Map::sum(weights.before[pair].value(i), weights.delta[pair][i]);
  }
  if (!round_finite<Arch, Map>(numbers, weights.after)) return false;
#pragma GCC unroll 8
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
    weights.after[pair].store(to + pair * 2 * lanes<Arch>);
  return true;
}

/// D of a row from memory.
template <class Arch, element T>
[[gnu::always_inline]] inline void load_delta(const block_delta& delta, int row,
                                              combined_row<Arch, T>& weights) {
#pragma GCC unroll 8
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i)
      weights.delta[pair][i] = floats<Arch>::load_aligned(delta.values + row * block_cols +
                                                          delta_offset<Arch, T>(pair, i));
}

/// D of a row in memory, as if it were the first of its block.
template <class Arch, element T>
[[gnu::always_inline]] inline block_delta delta_of(const combined_row<Arch, T>& weights) {
  block_delta delta;
#pragma GCC unroll 8
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i)
      weights.delta[pair][i].store_aligned(delta.values + delta_offset<Arch, T>(pair, i));
  return delta;
}

template <class Arch, element T>
[[gnu::always_inline]] inline void count_row(const combined_row<Arch, T>& weights,
                                             change_counter<Arch, T>& changes) {
#pragma GCC unroll 8
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
    changes.add(weights.before[pair], weights.after[pair]);
}

/// Rows from `first` on, to the first one with a result that is infinite or NaN, which is left as
/// it is; returns which that is. A loop without calls, so that constants stay in registers.
template <class Arch, map Map, element T = typename Map::weight>
[[gnu::always_inline]] inline int combine_finite_rows(int first, int rows, row_range<T> range,
                                                      const block_delta& delta,
                                                      change_counter<Arch, T>& changes) {
  for (int row = first; row < rows; ++row) {
    combined_row<Arch, T> weights;
    load_delta(delta, row, weights);
    if (!combine_finite_row<Arch, Map>(range.from + row * range.from_stride, weights,
                                       range.to + row * range.to_stride))
      return row;
    count_row(weights, changes);
  }
  return rows;
}

/// A row with results that are infinite or NaN, one by one, because it is rare.
template <map Map, element T = typename Map::weight>
[[gnu::noinline]] change_counts combine_one_by_one(const T* from, const block_delta& delta, int row,
                                                   T* to) {
  change_counts counts{};
  for (int j = 0; j < block_cols; ++j) {
    const std::uint32_t x = bits_of(from[j]);
    const float d = read_delta_at<T>(delta, row * block_cols + j);
    const std::uint32_t y = Map::apply(x, d);
    // What is not finite stays so: the difference of the two counts is what became so.
    counts.became_not_finite += is_not_finite<T>(y) - is_not_finite<T>(x);
    counts.changed += x != y;
    to[j] = from_bits<T>(y);
  }
  return counts;
}

/// The same for a row of which `weights` says what was there before, and D; gives back what is
/// there then.
template <class Arch, map Map, element T = typename Map::weight>
[[gnu::noinline]] combined_row<Arch, T> combine_not_finite_row(combined_row<Arch, T> weights,
                                                               const T* from, T* to,
                                                               change_counts& counts) {
  counts.became_not_finite +=
      combine_one_by_one<Map>(from, delta_of(weights), 0, to).became_not_finite;
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
    weights.after[pair] = stored_pair<Arch, T>::load(to + pair * 2 * lanes<Arch>);
  return weights;
}

/// Rounds x + D for some rows of a block.
template <class Arch, map Map, element T = typename Map::weight>
[[gnu::noinline]] change_counts combine_rows(int rows, const row_range<T>& range,
                                             const block_delta& delta) {
  change_counts counts{};
  change_counter<Arch, T> changes;
  for (int row = 0; row < rows; ++row) {
    row = combine_finite_rows<Arch, Map>(row, rows, range, delta, changes);
    if (row < rows)
      counts += combine_one_by_one<Map>(range.from + row * range.from_stride, delta, row,
                                        range.to + row * range.to_stride);
  }
  counts.changed += changes.changed();
  return counts;
}

/// −D instead of D: where D is subtracted, behind a branch, because it takes 7 % of a merge of
/// rank 16.
template <class Arch, element T>
[[gnu::always_inline]] inline void negate_delta(combined_row<Arch, T>& weights) {
#pragma GCC unroll 8
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i)
      weights.delta[pair][i] =
          as_floats<Arch>(as_words<Arch>(weights.delta[pair][i]) ^ words<Arch>(0x80000000u));
}

/// Rounds x + D for whole blocks of a panel, where D is complete with the term of the last adapter:
/// its sums stay in registers from the first product to the rounding. `rows` are those of block 0.
///
/// One loop over the blocks, because of the counters: kept in memory from block to block, where
/// each row had to wait for what the row before it had stored, they took a fifth of a merge of
/// rank 4.
template <class Arch, map Map, class Unit, element T = typename Map::weight>
[[gnu::always_inline]] inline change_counts combine_whole_blocks(
    Unit& unit, panel_deltas<Arch, Map>& deltas, bool subtracts, const row_range<T>& rows,
    std::ptrdiff_t panel, block_range range) {
  using sums_of_row = floats<Arch>[block_cols / lanes<Arch>];
  const kernel_interface::packed_product product = deltas.last().products[0];
  const term_addition<Arch> add = deltas.last_addition();
  change_counts counts{};
  for (std::ptrdiff_t index = range.first; index < range.end;) {
    change_counter<Arch, T> changes;
    const auto end = std::min(range.end, index + change_counter<Arch, T>::most_blocks);
    for (; index < end; ++index) {
      const T* from = rows.from + index * block_cols;
      T* to = rows.to + index * block_cols;
      const float* const before = deltas.of_all_but_last(index);
      const auto combine_row = [&](int row, int, const sums_of_row& sums)
          __attribute__((always_inline)) {
        combined_row<Arch, T> weights;
#pragma GCC unroll 8
        for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
#pragma GCC unroll 2
          for (int i = 0; i < 2; ++i) {
            constexpr int step = lanes<Arch>;
            const int left = delta_offset<Arch, T>(pair, i);
            weights.delta[pair][i] = add(sums[left / step], before + row * block_cols + left);
          }
        if (subtracts) [[unlikely]]
          negate_delta(weights);
        if (combine_finite_row<Arch, Map>(from, weights, to)) [[likely]]
          count_row(weights, changes);
        else
          counts += combine_one_by_one<Map>(from, delta_of(weights), 0, to);
        from += rows.from_stride;
        to += rows.to_stride;
      };
      const packed_block factors(product, panel, index);
      unit.template multiply<Arch>(factors.up, factors.down, factors.depth, combine_row);
    }
    counts.changed += changes.changed();
  }
  return counts;
}

/// The combine kernel.
template <class Arch, map Map>
change_counts combine_kernel(const kernel_interface::weights& w,
                             const kernel_interface::delta& list, bool subtracts,
                             std::ptrdiff_t panel, kernel_interface::block_range range) {
  using T = typename Map::weight;
  thread_units<Arch> units;
  panel_deltas<Arch, Map> deltas(&list, w, panel, units, subtracts);
  change_counts counts{};
  if constexpr (holds_whole_rows<Arch>) {
    const block_range whole{range.first, std::min(range.end, whole_blocks_of(w, panel))};
    if (whole.first < whole.end && deltas.are_complete_by_rows()) {
      const std::ptrdiff_t top = panel * block_rows;
      const row_range<T> rows{static_cast<const T*>(w.from) + top * w.from_stride, w.from_stride,
                              static_cast<T*>(w.to) + top * w.to_stride, w.to_stride};
      const auto combine = [&deltas, subtracts, rows, panel, whole, &counts ](auto& unit)
          __attribute__((always_inline)) {
        counts = combine_whole_blocks<Arch, Map>(unit, deltas, subtracts, rows, panel, whole);
      };
      units.with(deltas.last().products[0].unit, combine);
      range.first = whole.end;
    }
  }
  for_each_block<T>(w, panel, range, [&](std::ptrdiff_t index, const weight_block<T>& block) {
    const block_delta& delta = deltas.of(index);
    if (block.is_whole()) {
      counts += combine_rows<Arch, Map>(
          block_rows, {block.source, block.source_stride, block.target, block.target_stride},
          delta);
    } else {
      alignas(64) T padded[block_size];
      counts += combine_rows<Arch, Map>(
          block.rows, {block.source, block.source_stride, padded, block_cols}, delta);
      weight_block<T> result = block;
      result.read_from(padded);
      result.store();
    }
    return true;
  });
  return counts;
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
