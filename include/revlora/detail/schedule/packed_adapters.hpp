// The adapters of a call in the order in which the delta kernels read them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "../../adapter.hpp"
#include "../../error.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "../plain.hpp"
#include "memory.hpp"
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

/// So that a vector of them is a type of this namespace's, and its code not that of other files.
struct packed_adapter : kernel_interface::packed_adapter {};
static_assert(sizeof(packed_adapter) == sizeof(kernel_interface::packed_adapter));

/// Owns what kernel_interface::delta points to.
class packed_adapters {
 public:
  /// Packs the factors: at most 4·r·(d_out + d_in) bytes per adapter, for ranks that fill their
  /// steps. Throws std::bad_alloc. To be used only if nothing is `found`.
  packed_adapters(const kernel_table& kernels, weight_map map, const plain::adapter_list& adapters,
                  const plain::executor& executor) {
    packed_.reserve(adapters.count);
    for (std::size_t i = 0; i < adapters.count; ++i) {
      const plain::adapter& adapter = adapters.adapters[i];
      kernel_interface::packed_adapter packed{
          static_cast<kernel_interface::family>(adapter.family), adapter.strength, {}};
      for (std::size_t product = 0; 2 * product < adapter.factor_count; ++product)
        if (!pack(kernels, map, adapter.factors[2 * product], adapter.factors[2 * product + 1],
                  packed.products[product], executor))
          return;
      packed_.push_back({packed});
    }
    delta_ = {packed_.data(), packed_.size(),
              static_cast<recipe>(adapters.recipe) == recipe::rounded_delta};
  }
  packed_adapters(const packed_adapters&) = delete;
  packed_adapters& operator=(const packed_adapters&) = delete;

  /// What the executor failed to do.
  const validation& found() const { return found_; }

  /// An empty list adds nothing, not even +0.
  bool adds_nothing() const { return packed_.empty(); }
  const kernel_interface::delta& delta() const { return delta_; }

 private:
  /// B·A, for the unit that is preferred if that is exact; false if something is `found`.
  bool pack(const kernel_table& kernels, weight_map map, const plain::matrix& b,
            const plain::matrix& a, packed_product& packed, const plain::executor& executor) {
    packed.unit = preferred_unit(kernels, static_cast<element_type>(a.type), a.rows);
    if (!pack_for_unit(kernels, map, b, a, packed, executor)) {
      packed.unit = arithmetic::fused;
      pack_for_unit(kernels, map, b, a, packed, executor);
    }
    return found_.ok();
  }

  /// False, and nothing packed, if the unit is not exact for the factors. One look while packing
  /// decides; what real adapters hold passes.
  bool pack_for_unit(const kernel_table& kernels, weight_map map, const plain::matrix& b,
                     const plain::matrix& a, packed_product& packed,
                     const plain::executor& executor) {
    const kernel_interface::unit_kernels& unit = kernels.units[static_cast<int>(packed.unit)];
    const bool splits_columns = kernels.of[static_cast<int>(map)].splits_columns;
    const std::ptrdiff_t panels = panels_of(b.rows, 1);
    const std::ptrdiff_t blocks = blocks_of(a.cols);
    const std::ptrdiff_t depth = unit.steps_of(a.rows);
    auto up = allocate<float>(static_cast<std::size_t>(panels * depth * block_rows));
    auto down = allocate<float>(static_cast<std::size_t>(blocks * depth * block_cols));
    shared_magnitudes in_b, in_a;
    const std::ptrdiff_t elements = a.rows * (b.rows + a.cols);
    found_ = piecework(panels + blocks).run(executor, elements, [&](std::ptrdiff_t piece) {
      if (piece < panels)
        in_b.add(unit.pack_up(to_kernels(b), piece, up.get() + piece * depth * block_rows));
      else
        in_a.add(unit.pack_down(to_kernels(a), splits_columns, piece - panels,
                                down.get() + (piece - panels) * depth * block_cols));
    });
    if (found_ && !unit.is_exact(in_b.found(), in_a.found())) return false;
    packed.up = up.get();
    packed.down = down.get();
    packed.depth = depth;
    memory_.push_back(std::move(up));
    memory_.push_back(std::move(down));
    return true;
  }

  std::vector<packed_adapter> packed_;
  std::vector<aligned_array<float>> memory_;
  kernel_interface::delta delta_{};
  validation found_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
