// What a list of adapters adds to the weights, one 16×64 block at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "convert.hpp"
#include "families/families.hpp"
#include "maps/map.hpp"
#include "stored_weights.hpp"
#include "units/units.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// D of a block.
struct block_delta {
  alignas(64) float values[block_size];  ///< by delta_place
};

/// D of a row of a block.
template <class Arch>
using delta_row = floats<Arch>[block_cols / lanes<Arch>];

template <element T>
float read_delta_at(const block_delta& from, int position) {
  return from.values[delta_place<T>(position)];
}

/// Makes D of whole rows of the sums of the last adapter, writes it where it was `before`, and
/// shows it to `visit(row, d)`.
template <class Arch, class Visit>
struct completes_rows {
  term_addition<Arch> add;
  float* before;
  Visit visit;

  template <int count>
  [[gnu::always_inline]] void operator()(int row, int, const floats<Arch> (&sums)[count]) const {
    float* const values = before + row * block_cols;
    floats<Arch> d[count];
#pragma GCC unroll 8
    for (int j = 0; j < count; ++j) {
      d[j] = add(sums[j], values + j * lanes<Arch>);
      d[j].store_aligned(values + j * lanes<Arch>);
    }
    visit(row, d);
  }
};

/// The deltas of a panel of weights of type T.
///
/// One block at a time: making the next one before this one is visited, or 16 at once, was not
/// faster (AMX, r = 16).
template <class Arch, map Map>
class panel_deltas {
  using T = typename Map::weight;

 public:
  /// Without a list nothing is added, and nothing to be made. `units` are the thread's. What
  /// `subtracts` adds −D.
  panel_deltas(const kernel_interface::delta* list, const kernel_interface::weights& w,
               std::ptrdiff_t panel, thread_units<Arch>& units, bool subtracts = false)
      : list_(list),
        scales_(w.scales),
        panel_(panel),
        rows_(static_cast<int>(std::min<std::ptrdiff_t>(block_rows, w.rows - panel * block_rows))),
        cols_(w.cols),
        sign_(subtracts ? 0x80000000u : 0u),
        units_(units) {}

  bool add_nothing() const { return list_ == nullptr; }

  /// Those of a block; those outside the matrix are +0. Valid until the next call.
  const block_delta& of(std::ptrdiff_t block) {
    add_up(block, list_->count);
    if (list_->rounds || scales_.values != nullptr || sign_ != 0) finish(block);
    clear_padding(cols_ - block * block_cols);
    return delta_;
  }

  /// Whether a row is complete when the last adapter is added.
  bool are_complete_by_rows() const {
    return last().kind == kernel_interface::family::low_rank && !list_->rounds &&
           scales_.values == nullptr;
  }
  const kernel_interface::packed_adapter& last() const { return list_->adapters[list_->count - 1]; }
  /// How its term is added to the deltas of those before it.
  term_addition<Arch> last_addition() const { return {last().strength, list_->count == 1}; }
  /// Without a sign. Valid until the next call.
  float* of_all_but_last(std::ptrdiff_t block) {
    add_up(block, list_->count - 1);
    return delta_.values;
  }

  /// D of a block, if it is not subtracted; calls `visit(row, d)` for its rows, in order, with D in
  /// registers, as it is made, if the block is whole and they are complete with the last adapter.
  /// Valid until the next call.
  template <class Visit>
  [[gnu::always_inline]] const block_delta& by_rows(std::ptrdiff_t block, bool is_whole,
                                                    const Visit& visit) {
    if constexpr (holds_whole_rows<Arch>) {
      if (is_whole && are_complete_by_rows()) {
        float* const before = of_all_but_last(block);
        units_.multiply(last().products[0], panel_, block,
                        completes_rows<Arch, Visit>{last_addition(), before, visit});
        return delta_;
      }
    }
    visit_rows(of(block), visit);
    return delta_;
  }

 private:
  /// The first `count` adapters.
  void add_up(std::ptrdiff_t block, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      add_term<Arch>(list_->adapters[i], {panel_, block}, i == 0, delta_.values, units_);
  }

  template <class Visit>
  [[gnu::noinline]] static void visit_rows(const block_delta& delta, Visit visit) {
    for (int row = 0; row < block_rows; ++row) {
      delta_row<Arch> d;
#pragma GCC unroll 16
      for (int j = 0; j < block_cols / lanes<Arch>; ++j)
        d[j] = floats<Arch>::load_aligned(delta.values + row * block_cols + j * lanes<Arch>);
      visit(row, d);
    }
  }

  /// The recipe's rounding, and the sign. On its own, because it is rare.
  [[gnu::noinline]] void finish(std::ptrdiff_t block) {
    for (int row = 0; row < rows_; ++row) {
      float* const values = delta_.values + row * block_cols;
      if (scales_.values != nullptr) divide_row(values, scale_of(row, block));
      for (int j = 0; j < block_cols; j += lanes<Arch>) {
        floats<Arch> d = floats<Arch>::load_aligned(values + j);
        if (list_->rounds) d = widen<T>(Map::round(d));
        as_floats<Arch>(as_words<Arch>(d) ^ words<Arch>(sign_)).store_aligned(values + j);
      }
    }
  }

  static void divide_row(float* values, float scale) {
    for (int j = 0; j < block_cols; j += lanes<Arch>)
      (floats<Arch>::load_aligned(values + j) / floats<Arch>(scale)).store_aligned(values + j);
  }
  float scale_of(int row, std::ptrdiff_t block) const {
    const std::ptrdiff_t down = (panel_ * block_rows + row) / scales_.rows;
    return scales_.values[down * scales_.per_row + block * block_cols / scales_.cols];
  }

  /// A zero of the padding times an infinite factor is NaN.
  void clear_padding(std::ptrdiff_t cols) {
    if (rows_ == block_rows && cols >= block_cols) return;
    for (int at = 0; at < block_size; ++at)
      if (at / block_cols >= rows_ || at % block_cols >= cols)
        delta_.values[delta_place<T>(at)] = 0;
  }

  const kernel_interface::delta* list_;
  kernel_interface::scale_grid scales_;
  std::ptrdiff_t panel_;
  int rows_;
  std::ptrdiff_t cols_;
  std::uint32_t sign_;
  thread_units<Arch>& units_;
  block_delta delta_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
