// One pass over a matrix: view → schedule → delta → visit.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../matrix_view.hpp"
#include "block.hpp"
#include "checksum.hpp"
#include "combine.hpp"
#include "schedule.hpp"

namespace revlora::inline v0::detail {

/// Calls `visit(index, block, delta)` for each block of a panel.
template <class Delta, class T, class Visit>
void for_each_delta(const Delta& deltas, matrix_view<T> w, std::ptrdiff_t panel,
                    const Visit& visit) {
  for_each_block(w, panel, [&](std::ptrdiff_t index, weight_block<T> block) {
    alignas(64) float delta[block_size];
    deltas.fill(panel, index, block.rows, block.cols, delta);
    visit(index, block, delta);
  });
}

/// W ← round(combine(W, D)); returns how many weights became infinite or NaN.
template <class Arch, class Delta, element T, executor Executor, class Combine>
std::int64_t combine_pass(const Delta& deltas, matrix_view<T> w, const Executor& executor,
                          const Combine& combine) {
  std::atomic<std::int64_t> became = 0;
  for_each(executor, panels_of(w.rows, w.cols), [&](std::ptrdiff_t panel) {
    std::int64_t in_panel = 0;
    for_each_delta(deltas, w, panel, [&](std::ptrdiff_t, weight_block<T> block, const float* d) {
      in_panel += visit_combine<Arch>(block, d, combine);
    });
    became += in_panel;
  });
  return became;
}

/// Calls `use(panel, checksums)` for each panel as it is; returns the checksum of the matrix.
template <class T, executor Executor, class Use>
std::uint64_t checksum_pass(matrix_view<const T> w, const Executor& executor, const Use& use) {
  std::atomic<std::uint64_t> total = 0;
  for_each(executor, panels_of(w.rows, w.cols), [&](std::ptrdiff_t panel) {
    checksum sum;
    for_each_block(w, panel, [&](std::ptrdiff_t, weight_block<const T> block) {
      sum.absorb_block(block.data, block.row_stride);
    });
    const panel_checksums checksums(sum, panel);
    total += checksums.wide;
    use(panel, checksums);
  });
  return total;
}

}  // namespace revlora::inline v0::detail
