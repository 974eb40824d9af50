// W ← round(W + D) and W ← round(W − D): the arithmetic of every merge, and the kernel of the plain
// ones.
#pragma once

#include <bit>
#include <cstdint>

#include "../namespace.hpp"
#include "block.hpp"
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

/// Rows from `first` on, to the first one with a result that is infinite or NaN, which is left as
/// it is; returns which that is. A loop without calls, so that constants stay in registers.
template <class Arch, map Map, class Combine, class See, element T = typename Map::weight>
[[gnu::always_inline]] inline int combine_finite_rows(int first, int rows, row_range<T> range,
                                                      const delta_reader<Arch>& delta,
                                                      const Combine& combine, const See& see) {
  for (int row = first; row < rows; ++row) {
    const T* const from = range.from + row * range.from_stride;
    T* const to = range.to + row * range.to_stride;
    combined_row<Arch, T> its;
    floats<Arch> numbers[pairs_of_row<Arch>][2];
    prefetch_right(from);
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
      its.before[pair] = stored_pair<Arch, T>::load(from + pair * 2 * lanes<Arch>);
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        its.delta[pair][i] = delta.at(row * block_cols + delta_offset<Arch, T>(pair, i));
        numbers[pair][i] = combine(its.before[pair].value(i), its.delta[pair][i]);
      }
    }
    if (!round_finite<Arch, Map>(numbers, its.after)) return row;
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs_of_row<Arch>; ++pair)
      its.after[pair].store(to + pair * 2 * lanes<Arch>);
    see(row, its);
  }
  return rows;
}

/// A row with results that are infinite or NaN, one by one, because it is rare. Returns how many
/// weights became so.
template <map Map, class Combine, element T = typename Map::weight>
[[gnu::noinline]] std::int64_t combine_odd_row(const T* from, const block_delta& delta, int row,
                                               const Combine& combine, T* to) {
  std::int64_t became = 0;
  for (int j = 0; j < block_cols; ++j) {
    const std::uint32_t x = bits_of(from[j]);
    const float d = read_delta_at<T>(delta, row * block_cols + j);
    const std::uint32_t y = Map::round(combine(widen<T>(x), d));
    // What is not finite stays so: the difference of the two counts is what became so.
    became += is_not_finite<T>(y) - is_not_finite<T>(x);
    to[j] = from_bits<T>(y);
  }
  return became;
}

template <class Arch, element T>
combined_row<Arch, T> load_row(const T* before, const delta_reader<Arch>& delta, int row,
                               const T* after) {
  combined_row<Arch, T> its;
  for (int pair = 0; pair < pairs_of_row<Arch>; ++pair) {
    its.before[pair] = stored_pair<Arch, T>::load(before + pair * 2 * lanes<Arch>);
    its.after[pair] = stored_pair<Arch, T>::load(after + pair * 2 * lanes<Arch>);
    for (int i = 0; i < 2; ++i)
      its.delta[pair][i] = delta.at(row * block_cols + delta_offset<Arch, T>(pair, i));
  }
  return its;
}

/// Rounds `combine(x, D)` for some rows of a block; returns how many weights became infinite or
/// NaN. Each row is shown to `see`, but for odd rows that are changed where they are.
template <class Arch, map Map, class Combine, class See, element T = typename Map::weight>
[[gnu::always_inline]] inline std::int64_t combine_rows(int rows, const row_range<T>& range,
                                                        const block_delta& delta,
                                                        const Combine& combine, const See& see) {
  std::int64_t became = 0;
  const delta_reader<Arch> reader(delta);
  for (int row = 0; row < rows; ++row) {
    row = combine_finite_rows<Arch, Map>(row, rows, range, reader, combine, see);
    if (row == rows) break;
    const T* const from = range.from + row * range.from_stride;
    T* const to = range.to + row * range.to_stride;
    became += combine_odd_row<Map>(from, delta, row, combine, to);
    if (from != to) see(row, load_row<Arch>(from, reader, row, to));
  }
  return became;
}

/// x + D, which every merge rounds.
inline constexpr auto plus_delta = [](auto x, auto d) { return x + d; };
/// x − D.
inline constexpr auto minus_delta = [](auto x, auto d) { return x - d; };

/// The same, and nobody sees it.
template <class Arch, map Map, class Combine, element T = typename Map::weight>
[[gnu::noinline]] std::int64_t combine_rows(int rows, const row_range<T>& range,
                                            const block_delta& delta, const Combine& combine) {
  return combine_rows<Arch, Map>(rows, range, delta, combine, [](int, const auto&) {});
}

/// The combine kernel.
template <class Arch, map Map>
std::int64_t combine_panel(const kernel_interface::weights& w, const kernel_interface::delta& list,
                           bool subtracts, std::ptrdiff_t panel) {
  using T = typename Map::weight;
  tiles unit;
  panel_deltas<Arch, Map> deltas(&list, w, panel, unit);
  const auto run = [&](const auto& combine) {
    std::int64_t became = 0;
    for_each_block<T>(w, panel, [&](std::ptrdiff_t, const weight_block<T>& block) {
      const block_delta& delta = deltas.next();
      if (block.is_whole()) {
        became += combine_rows<Arch, Map>(
            block_rows, {block.source, block.source_stride, block.target, block.target_stride},
            delta, combine);
      } else {
        alignas(64) T padded[block_size];
        became += combine_rows<Arch, Map>(
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

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
