// What a list of adapters adds to the weights, one 16×64 block at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "bf16_units.hpp"
#include "low_rank_sums.hpp"
#include "maps/map.hpp"
#include "stored_weights.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// The deltas of a block, but for a last step that is left to whoever reads them, because it costs
/// next to nothing there: D = fma(scale, value, addend).
struct block_delta {
  alignas(64) float values[block_size];  ///< by delta_place
  float scale;
  float addend;  ///< +0, or −0, which changes nothing
  bool is_made_by_tiles;

  static constexpr float nothing = -0.0f;

  /// For those who take long between one block and the next.
  void keep_source_awake() const {
#ifdef REVLORA_MAY_HAVE_BF16_UNITS
    if (is_made_by_tiles) tiles::keep_awake();
#endif
  }
};

/// Takes the last step of a block's deltas, a vector at a time. A copy of what it needs, which
/// stays in registers whatever is written meanwhile.
///
/// Where the processor has no fused multiply-add it is imitated: what an addend of +0 changes is
/// only the sign of an exact product of zero.
template <class Arch>
class delta_reader {
 public:
  explicit delta_reader(const block_delta& from)
      : values_(from.values), scale_(from.scale), addend_(from.addend) {}

  /// D of the values from `offset` on.
  floats<Arch> at(int offset) const { return finish(floats<Arch>::load_aligned(values_ + offset)); }
  /// D of some values.
  floats<Arch> finish(floats<Arch> value) const {
    if constexpr (has_fused<Arch>) {
      return fused(scale_, value, addend_);
    } else {
      const floats<Arch> product = scale_ * value, zero(0.0f);
      const word_mask<Arch> is_zero =
          to_word_mask<Arch>(product == zero) &
          (to_word_mask<Arch>(value == zero) | to_word_mask<Arch>(scale_ == zero));
      return as_floats<Arch>(choose<Arch>(
          is_zero, as_words<Arch>(addend_) & as_words<Arch>(product), as_words<Arch>(product)));
    }
  }

 private:
  const float* values_;
  floats<Arch> scale_, addend_;
};

template <element T>
float read_delta_at(const block_delta& from, int position) {
  return std::fma(from.scale, from.values[delta_place<T>(position)], from.addend);
}

/// The deltas of a panel of weights, block by block.
///
/// One block at a time: making the next one before this one is visited, or 16 at once, was not
/// faster (AMX, r = 16).
template <class Arch, map Map>
class panel_deltas {
  using T = typename Map::weight;

 public:
  /// Without a list nothing is added, and nothing to be made. `unit` is the thread's.
  panel_deltas(const kernel_interface::delta* list, const kernel_interface::weights& w,
               std::ptrdiff_t panel, tiles& unit)
      : list_(list), panel_(panel), cols_(w.cols), tiles_(unit) {
    if (list == nullptr) return;
    rows_ = static_cast<int>(std::min<std::ptrdiff_t>(block_rows, w.rows - panel * block_rows));
    for (std::size_t i = 0; i < list->count; ++i)
      uses_tiles_ |= list->adapters[i].how == arithmetic::bf16_tiles && list->adapters[i].depth > 0;
  }

  bool add_nothing() const { return list_ == nullptr; }

  /// Those of the next block; those outside the matrix are +0. Valid until the next call.
  const block_delta& next() {
    make(next_++, delta_);
    return delta_;
  }

 private:
  void make(std::ptrdiff_t block, block_delta& delta) {
    add_up(list_->adapters[0], panel_, block, delta.values);
    delta.scale = list_->adapters[0].strength;
    delta.addend = 0.0f;
    delta.is_made_by_tiles = uses_tiles_;
    for (std::size_t i = 1; i < list_->count; ++i) {
      alignas(64) float sums[block_size];
      add_up(list_->adapters[i], panel_, block, sums);
      finish(delta, [&](floats<Arch> before, int at) {
        return fused(floats<Arch>(list_->adapters[i].strength),
                     floats<Arch>::load_aligned(sums + at), before);
      });
    }
    if (list_->rounds) finish(delta, [](floats<Arch> d, int) { return widen<T>(Map::round(d)); });
    const std::ptrdiff_t cols = cols_ - block * block_cols;
    if (rows_ == block_rows && cols >= block_cols) return;
    // A zero of the padding times an infinite factor is NaN.
    for (int at = 0; at < block_size; ++at)
      if (at / block_cols >= rows_ || at % block_cols >= cols) delta.values[delta_place<T>(at)] = 0;
  }

  /// value ← next(D, its place), and nothing left to do.
  template <class Next>
  static void finish(block_delta& delta, const Next& next) {
    const delta_reader<Arch> reader(delta);
    for (int at = 0; at < block_size; at += lanes<Arch>)
      next(reader.at(at), at).store_aligned(delta.values + at);
    delta.scale = 1;
    delta.addend = block_delta::nothing;
  }

  void add_up(const kernel_interface::packed_adapter& adapter, std::ptrdiff_t panel,
              std::ptrdiff_t block, float* sums) {
    const float* const up = adapter.up + panel * adapter.depth * block_rows;
    const float* const down = adapter.down + block * adapter.depth * block_cols;
    if (adapter.depth == 0) {  // rank 0
      std::fill_n(sums, block_size, 0.0f);
      return;
    }
    switch (adapter.how) {
#ifdef REVLORA_MAY_HAVE_BF16_UNITS
      case arithmetic::bf16_tiles:
        return tiles_.multiply(up, down, adapter.depth, sums);
      case arithmetic::bf16_pairs:
        if constexpr (has_dot_pairs<Arch>)
          return multiply<Arch, arithmetic::bf16_pairs>(up, down, adapter.depth, sums);
        break;
#endif
      case arithmetic::exact_products:
        if constexpr (!has_fused<Arch>)
          return multiply<Arch, arithmetic::exact_products>(up, down, adapter.depth, sums);
        break;
      default:
        break;
    }
    multiply<Arch, arithmetic::fused>(up, down, adapter.depth, sums);
  }

  const kernel_interface::delta* list_;
  std::ptrdiff_t panel_, cols_;
  [[maybe_unused]] tiles& tiles_;
  int rows_ = 0;
  bool uses_tiles_ = false;
  std::ptrdiff_t next_ = 0;
  block_delta delta_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
