// One pass over a matrix: its panels over the executor, each done by a kernel.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../error.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "../plain.hpp"
#include "../refuse.hpp"
#include "../views.hpp"
#include "call_memory.hpp"
#include "packed_adapters.hpp"
#include "piecework.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::change_counts;
using kernel_interface::kernel_table;
using kernel_interface::weight_kernels;

/// What several threads count.
class shared_counts {
 public:
  void add(const change_counts& found) {
    changed_ += found.changed;
    became_not_finite_ += found.became_not_finite;
  }
  change_counts sum() const { return {changed_, became_not_finite_}; }

 private:
  std::atomic<std::int64_t> changed_ = 0, became_not_finite_ = 0;
};

/// to ← round(from ± D) for adapters that add something. Strip by strip, as wide as the caches like
/// it.
///
/// In place nothing is left that would lead back: whatever the executor does, it goes on to the
/// end. Elsewhere it says what the executor failed to do.
inline validation combine_pass(const weight_kernels& kernels, const kernel_interface::weights& w,
                               const packed_adapters& adapters, bool subtracts,
                               const plain::executor& executor, call_memory& memory,
                               change_counts& sum) {
  shared_counts counts;
  piecework panels(panels_of(w.rows, w.cols), memory);
  const std::ptrdiff_t width = blocks_at_once(adapters.delta());
  for (std::ptrdiff_t first = 0; first < blocks_of(w.cols); first += width) {
    const kernel_interface::block_range strip{first, std::min(first + width, blocks_of(w.cols))};
    const std::ptrdiff_t elements = w.rows * (strip.end - strip.first) * block_cols;
    const auto combine = [&](std::ptrdiff_t panel) {
      counts.add(kernels.combine(w, adapters.delta(), subtracts, panel, strip));
    };
    if (w.from == w.to)
      panels.run_to_the_end(executor, elements, combine);
    else if (validation found = panels.run(executor, elements, combine); !found)
      return found;
  }
  sum = counts.sum();
  return {};
}

/// to ← from, every bit.
inline validation copy_pass(const plain::matrix& from, const plain::matrix& to,
                            const plain::executor& executor, call_memory& memory) {
  const std::size_t row_bytes =
      static_cast<std::size_t>(from.cols) * size_of(static_cast<element_type>(from.type));
  piecework panels(panels_of(from.rows, from.cols), memory);
  return panels.run(executor, from.rows * from.cols, [&](std::ptrdiff_t panel) {
    const std::ptrdiff_t top = panel * block_rows, bottom = std::min(top + block_rows, from.rows);
    for (std::ptrdiff_t row = top; row < bottom; ++row)
      std::memcpy(element_at(to, row * to.row_stride), element_at(from, row * from.row_stride),
                  row_bytes);
  });
}

/// Calls `use(panel, checksums)` for each panel as it is; says what the executor failed to do.
template <class Use>
validation checksum_pass(const weight_kernels& kernels, const kernel_interface::weights& w,
                         const plain::executor& executor, call_memory& memory, const Use& use) {
  piecework panels(panels_of(w.rows, w.cols), memory);
  return panels.run(executor, w.rows * w.cols,
                    [&](std::ptrdiff_t panel) { use(panel, kernels.checksums(w, panel)); });
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
