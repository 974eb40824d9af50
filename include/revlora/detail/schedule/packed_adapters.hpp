// The adapters of a call in the order in which the delta kernels read them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "../../adapter.hpp"
#include "../../error.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "../plain.hpp"
#include "call_memory.hpp"
#include "piecework.hpp"
#include "policy.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::magnitudes;
using kernel_interface::packed_product;

inline kernel_interface::factor to_kernels(const plain::matrix& m) {
  return {m.data, m.type, m.rows, m.cols, m.row_stride, m.col_stride};
}

/// The extremes of what several threads find.
class shared_magnitudes {
 public:
  void add(const magnitudes& found) {
    std::uint32_t seen = smallest_;
    while (found.smallest < seen && !smallest_.compare_exchange_weak(seen, found.smallest)) {
    }
    seen = largest_;
    while (found.largest > seen && !largest_.compare_exchange_weak(seen, found.largest)) {
    }
  }
  magnitudes found() const { return {smallest_, largest_}; }

 private:
  std::atomic<std::uint32_t> smallest_ = std::numeric_limits<std::uint32_t>::max();
  std::atomic<std::uint32_t> largest_ = 0;
};

using kernel_interface::packed_adapter;

/// Fills memory with what kernel_interface::delta points to.
class packed_adapters {
 public:
  /// Packs the factors: at most 4·r·(d_out + d_in) bytes per adapter, for ranks that fill their
  /// steps. Throws std::bad_alloc. To be used only if nothing is `found`.
  packed_adapters(const kernel_table& kernels, weight_map map, const plain::adapter_list& adapters,
                  const plain::executor& executor, call_memory& memory)
      : kernels_(kernels), map_(map), executor_(executor), memory_(memory) {
    auto* const packed = memory.take<packed_adapter>(adapters.count);
    for (std::size_t i = 0; i < adapters.count; ++i) {
      const plain::adapter& adapter = adapters.adapters[i];
      packed[i] = {static_cast<kernel_interface::family>(adapter.family), adapter.strength, {}};
      for (std::size_t product = 0; 2 * product < adapter.factor_count; ++product)
        if (!pack(adapter.factors[2 * product], adapter.factors[2 * product + 1],
                  packed[i].products[product]))
          return;
    }
    delta_ = {packed, adapters.count,
              static_cast<recipe>(adapters.recipe) == recipe::rounded_delta};
  }
  packed_adapters(const packed_adapters&) = delete;
  packed_adapters& operator=(const packed_adapters&) = delete;

  /// What the executor failed to do.
  const validation& found() const { return found_; }

  /// An empty list adds nothing, not even +0.
  bool adds_nothing() const { return delta_.count == 0; }
  const kernel_interface::delta& delta() const { return delta_; }

 private:
  /// B·A, for the unit that is preferred if that is exact; false if something is `found`.
  bool pack(const plain::matrix& b, const plain::matrix& a, packed_product& packed) {
    const auto steps_of = [&](arithmetic unit) { return unit_of(unit).steps_of(a.rows); };
    packed.unit = preferred_unit(kernels_, static_cast<element_type>(a.type), a.rows);
    const auto most =
        static_cast<std::size_t>(std::max(steps_of(packed.unit), steps_of(arithmetic::fused)));
    auto* const up =
        memory_.take<float>(static_cast<std::size_t>(panels_of(b.rows, 1)) * most * block_rows);
    auto* const down =
        memory_.take<float>(static_cast<std::size_t>(blocks_of(a.cols)) * most * block_cols);
    packed.up = up;
    packed.down = down;
    if (!pack_for_unit(b, a, up, down, packed)) {
      packed.unit = arithmetic::fused;
      pack_for_unit(b, a, up, down, packed);
    }
    return found_.ok();
  }

  /// False if the unit is not exact for the factors. One look while packing decides; what real
  /// adapters hold passes.
  bool pack_for_unit(const plain::matrix& b, const plain::matrix& a, float* up, float* down,
                     packed_product& packed) {
    const kernel_interface::unit_kernels& unit = unit_of(packed.unit);
    const bool splits_columns = kernels_.of[static_cast<int>(map_)].splits_columns;
    const std::ptrdiff_t panels = panels_of(b.rows, 1);
    const std::ptrdiff_t blocks = blocks_of(a.cols);
    const std::ptrdiff_t depth = packed.depth = unit.steps_of(a.rows);
    shared_magnitudes in_b, in_a;
    const std::ptrdiff_t elements = a.rows * (b.rows + a.cols);
    piecework pieces(panels + blocks, memory_);
    found_ = pieces.run(executor_, elements, [&](std::ptrdiff_t piece) {
      if (piece < panels)
        in_b.add(unit.pack_up(to_kernels(b), piece, up + piece * depth * block_rows));
      else
        in_a.add(unit.pack_down(to_kernels(a), splits_columns, piece - panels,
                                down + (piece - panels) * depth * block_cols));
    });
    return !found_ || unit.is_exact(in_b.found(), in_a.found());
  }

  const kernel_interface::unit_kernels& unit_of(arithmetic unit) const {
    return kernels_.units[static_cast<int>(unit)];
  }

  const kernel_table& kernels_;
  weight_map map_;
  const plain::executor& executor_;
  call_memory& memory_;
  kernel_interface::delta delta_{};
  validation found_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
