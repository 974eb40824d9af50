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

/// to ← round(combine(from, D)) for a delta that adds something; returns how many weights became
/// infinite or NaN.
template <class Arch, class Delta, element T, executor Executor, class Combine>
std::int64_t combine_pass(const Delta& deltas, matrix_view<const T> from, matrix_view<T> to,
                          const Executor& executor, const Combine& combine) {
  std::atomic<std::int64_t> became = 0;
  for_each(executor, panels_of(from.rows, from.cols), [&](std::ptrdiff_t panel) {
    std::int64_t in_panel = 0;
    for_each_block(from, to, panel, [&](std::ptrdiff_t index, const weight_block<T>& block) {
      alignas(64) float delta[block_size];
      deltas.fill(panel, index, block.rows, block.cols, delta);
      in_panel += visit_combine<Arch>(block, delta, combine);
    });
    became += in_panel;
  });
  return became;
}

/// to ← from, every bit.
template <element T, executor Executor>
void copy_pass(matrix_view<const T> from, matrix_view<T> to, const Executor& executor) {
  for_each(executor, panels_of(from.rows, from.cols), [&](std::ptrdiff_t panel) {
    const std::ptrdiff_t top = panel * block_rows;
    copy_rows<T>(from.data + top * from.row_stride, from.row_stride, to.data + top * to.row_stride,
                 to.row_stride,
                 static_cast<int>(std::min<std::ptrdiff_t>(block_rows, from.rows - top)),
                 from.cols);
  });
}

/// The checksums of a panel as it is.
template <class Arch = xsimd::default_arch, element T>
panel_checksums checksums_of(matrix_view<const T> w, std::ptrdiff_t panel) {
  checksum<Arch> sum;
  for_each_block<T>(w, nowhere<T>, panel, [&](std::ptrdiff_t, const weight_block<T>& block) {
    sum.absorb_block(block.source, block.source_stride);
  });
  return {sum, panel};
}

/// Calls `use(panel, checksums)` for each panel as it is; returns the checksum of the matrix.
template <element T, executor Executor, class Use>
std::uint64_t checksum_pass(matrix_view<const T> w, const Executor& executor, const Use& use) {
  std::atomic<std::uint64_t> total = 0;
  for_each(executor, panels_of(w.rows, w.cols), [&](std::ptrdiff_t panel) {
    const panel_checksums checksums = checksums_of(w, panel);
    total += checksums.wide;
    use(panel, checksums);
  });
  return total;
}

}  // namespace revlora::inline v0::detail
