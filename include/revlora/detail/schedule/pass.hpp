// One pass over a matrix: its panels over the executor, each done by a kernel.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../error.hpp"
#include "../../matrix_view.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "../refuse.hpp"
#include "packed_adapters.hpp"
#include "piecework.hpp"
#include "policy.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::kernel_table;

/// What a pass that only reads writes to.
template <element T>
inline constexpr matrix_view<T> nowhere{};

template <element T>
kernel_interface::weights to_kernels(matrix_view<const T> from, matrix_view<T> to) {
  return {from.data, from.row_stride, to.data, to.row_stride, from.rows, from.cols, {}};
}
template <element T>
const kernel_interface::weight_kernels& kernels_for(const kernel_table& kernels) {
  return kernels.of[static_cast<int>(element_type_of<T>)];
}

/// to ← round(from ± D) for adapters that add something; returns how many weights became infinite
/// or NaN. Strip by strip, as wide as the caches like it.
///
/// In place nothing is left that would lead back: whatever the executor does, it goes on to the
/// end.
template <element T, executor Executor>
std::int64_t combine_pass(const kernel_table& kernels, matrix_view<const T> from, matrix_view<T> to,
                          const packed_adapters& adapters, bool subtracts,
                          const Executor& executor) {
  std::atomic<std::int64_t> became = 0;
  piecework panels(panels_of(from.rows, from.cols));
  const kernel_interface::weights weights = to_kernels(from, to);
  const std::ptrdiff_t width = blocks_at_once(adapters.delta());
  for (std::ptrdiff_t first = 0; first < blocks_of(from.cols); first += width) {
    const kernel_interface::block_range strip{first, first + width};
    const std::ptrdiff_t cols = std::min(width * block_cols, from.cols - first * block_cols);
    const auto combine = [&](std::ptrdiff_t panel) {
      became += kernels_for<T>(kernels).combine(weights, adapters.delta(), subtracts, panel, strip);
    };
    if (from.data == to.data)
      panels.run_to_the_end(executor, from.rows * cols, combine);
    else
      require(panels.run(executor, from.rows * cols, combine));
  }
  return became;
}

/// to ← from, every bit.
template <element T, executor Executor>
void copy_pass(matrix_view<const T> from, matrix_view<T> to, const Executor& executor) {
  piecework panels(panels_of(from.rows, from.cols));
  require(panels.run(executor, from.rows * from.cols, [&](std::ptrdiff_t panel) {
    const std::ptrdiff_t top = panel * block_rows, bottom = std::min(top + block_rows, from.rows);
    for (std::ptrdiff_t row = top; row < bottom; ++row)
      std::memcpy(to.data + row * to.row_stride, from.data + row * from.row_stride,
                  static_cast<std::size_t>(from.cols) * sizeof(T));
  }));
}

/// Calls `use(panel, checksums)` for each panel as it is; says what the executor failed to do.
template <element T, executor Executor, class Use>
validation checksum_pass(const kernel_table& kernels, matrix_view<const T> w,
                         const Executor& executor, const Use& use) {
  piecework panels(panels_of(w.rows, w.cols));
  return panels.run(executor, w.rows * w.cols, [&](std::ptrdiff_t panel) {
    use(panel, kernels_for<T>(kernels).checksums(to_kernels(w, nowhere<T>), panel));
  });
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
