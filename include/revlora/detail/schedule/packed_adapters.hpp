// The adapters of a call in the order in which the delta kernels read them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../../error.hpp"
#include "../../low_rank.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "memory.hpp"
#include "piecework.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::arithmetic;
using kernel_interface::kernel_table;
using kernel_interface::magnitudes;

inline kernel_interface::factor to_kernels(const factor_view& m) {
  return {m.data, static_cast<std::uint8_t>(m.type), m.rows, m.cols, m.row_stride, m.col_stride};
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
  std::uint32_t smallest() const { return smallest_; }
  std::uint32_t largest() const { return largest_; }

 private:
  std::atomic<std::uint32_t> smallest_ = std::numeric_limits<std::uint32_t>::max();
  std::atomic<std::uint32_t> largest_ = 0;
};

/// Whether an arithmetic gives the contract's bits for factors of these magnitudes.
///
/// The bf16 instructions flush subnormals. None can occur if no element is one and the smallest
/// exponents of the two factors add up to at least −112: then every partial sum is a multiple of
/// 2⁻¹²⁶. Products of 16-bit elements are exact under the same condition, unless they overflow.
inline bool is_exact(arithmetic how, const shared_magnitudes& b, const shared_magnitudes& a) {
  if (how == arithmetic::fused) return true;
  if (b.largest() == 0 || a.largest() == 0) return true;  // all products are zero
  const auto exponent = [](std::uint32_t bits) { return static_cast<int>(bits >> 23) - 127; };
  if (exponent(b.smallest()) == -127 || exponent(a.smallest()) == -127) return false;
  if (exponent(b.smallest()) + exponent(a.smallest()) < -112) return false;
  return how != arithmetic::exact_products ||
         exponent(b.largest()) + exponent(a.largest()) + 2 <= 127;
}

/// So that a vector of them is a type of this namespace's, and its code not that of other files.
struct packed_adapter : kernel_interface::packed_adapter {};
static_assert(sizeof(packed_adapter) == sizeof(kernel_interface::packed_adapter));

/// Owns what kernel_interface::delta points to.
class packed_adapters {
 public:
  /// Packs the factors: at most 4·r·(d_out + d_in) bytes per adapter, for ranks that fill their
  /// steps. Throws std::bad_alloc. To be used only if nothing is `found`.
  template <executor Executor>
  packed_adapters(const kernel_table& kernels, element_type weights, adapter_list adapters,
                  const Executor& executor) {
    packed_.reserve(adapters.size());
    memory_.reserve(2 * adapters.size());
    for (const low_rank& adapter : adapters) {
      const arithmetic preferred = kernels.preferred[static_cast<int>(adapter.type())];
      if (!pack(kernels, weights, adapter, preferred, executor))
        pack(kernels, weights, adapter, arithmetic::fused, executor);
      if (!found_) return;
    }
    delta_ = {packed_.data(), packed_.size(), adapters.recipe() == recipe::rounded_delta};
  }
  packed_adapters(const packed_adapters&) = delete;
  packed_adapters& operator=(const packed_adapters&) = delete;

  /// What the executor failed to do.
  const validation& found() const { return found_; }

  /// An empty list adds nothing, not even +0.
  bool adds_nothing() const { return packed_.empty(); }
  const kernel_interface::delta& delta() const { return delta_; }

  /// Lets `delta` begin at a column of blocks, for weights whose columns begin there.
  void start_at(std::ptrdiff_t block) {
    for (std::size_t i = 0; i < packed_.size(); ++i)
      packed_[i].down = memory_[2 * i + 1].get() + block * packed_[i].depth * block_cols;
  }

  /// So many columns of blocks that A's part stays in the second-level cache from panel to panel:
  /// 1 MiB. At rank 128 in fp32, all of A streamed from memory for each panel took twice the time.
  std::ptrdiff_t blocks_at_once() const {
    std::ptrdiff_t steps = 0;
    for (const auto& adapter : packed_) steps += adapter.depth;
    constexpr std::ptrdiff_t cache = std::ptrdiff_t{1} << 20;
    const auto bytes = std::max<std::ptrdiff_t>(1, 4 * steps * block_cols);
    return std::max<std::ptrdiff_t>(1, cache / bytes);
  }

 private:
  static std::ptrdiff_t steps_of(std::ptrdiff_t rank, arithmetic how) {
    const auto groups_of = [&](std::ptrdiff_t ranks) { return (rank + ranks - 1) / ranks; };
    switch (how) {
      case arithmetic::bf16_pairs:
        return groups_of(4) * 2;
      case arithmetic::bf16_tiles:
        return rank <= 32 ? (rank + 1) / 2 : groups_of(32) * 16;
      default:
        return groups_of(2) * 2;
    }
  }

  /// False, and nothing packed, if the arithmetic is not exact for the adapter.
  template <executor Executor>
  bool pack(const kernel_table& kernels, element_type weights, const low_rank& adapter,
            arithmetic how, const Executor& executor) {
    const std::ptrdiff_t panels = panels_of(adapter.b().rows, 1);
    const std::ptrdiff_t blocks = blocks_of(adapter.a().cols);
    const std::ptrdiff_t depth = steps_of(adapter.rank(), how);
    auto up = allocate<float>(static_cast<std::size_t>(panels * depth * block_rows));
    auto down = allocate<float>(static_cast<std::size_t>(blocks * depth * block_cols));
    shared_magnitudes in_b, in_a;
    // One look while packing decides: what real adapters hold passes.
    const std::ptrdiff_t elements = adapter.rank() * (adapter.b().rows + adapter.a().cols);
    found_ = piecework(panels + blocks).run(executor, elements, [&](std::ptrdiff_t piece) {
      if (piece < panels)
        in_b.add(kernels.pack_up(to_kernels(adapter.b()), how, piece,
                                 up.get() + piece * depth * block_rows));
      else
        in_a.add(kernels.of[static_cast<int>(weights)].pack_down(
            to_kernels(adapter.a()), how, piece - panels,
            down.get() + (piece - panels) * depth * block_cols));
    });
    if (found_ && !is_exact(how, in_b, in_a)) return false;
    packed_.push_back({{up.get(), down.get(), depth, adapter.strength(), how}});
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
