// The kernel behind every verb that has to do with undo records: one panel, from one list of
// adapters to another, by way of its base, which exists in registers and L1 only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../namespace.hpp"
#include "block.hpp"
#include "changes.hpp"
#include "checksum.hpp"
#include "combine.hpp"
#include "panel_decoder.hpp"
#include "panel_encoder.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Leads the blocks of a panel back to their base.
template <class Arch, map Map>
class panel_restorer {
  using T = typename Map::weight;

 public:
  /// Without a list nothing was added, and blocks are their base.
  panel_restorer(const kernel_interface::delta* list, const kernel_interface::panel_code& code,
                 const kernel_interface::weights& w, std::ptrdiff_t panel,
                 thread_units<Arch>& units)
      : deltas_(list, w, panel, units), decoder_(code), units_(units) {}

  bool has_nothing_to_do() const { return deltas_.add_nothing(); }
  /// Of what was led back.
  const checksum<Arch>& base_sum() const { return decoder_.base_sum(); }

  /// Calls `visit(index, block, base)` for the blocks of a panel that are in a range, in order:
  /// where they were, and where their base can be read, which is their target if `in_place`, where
  /// that can be. Up to the first whose code is damaged.
  template <class Visit>
  void for_each_base(const kernel_interface::weights& w, std::ptrdiff_t panel, block_range range,
                     bool in_place, const Visit& visit) {
    const auto restore = [&] { return decoder_.restore(deltas_, units_, in_place, visit); };
    for_each_block<T>(w, panel, range, [&](std::ptrdiff_t index, const weight_block<T>& block) {
      if (has_nothing_to_do()) {
        visit(index, block, block);
        return true;
      }
      decoder_.guess(index, block, deltas_);
      return !decoder_.is_full() || restore();
    });
    restore();
  }

 private:
  panel_deltas<Arch, Map> deltas_;  ///< what was added
  panel_decoder<Arch, Map> decoder_;
  thread_units<Arch>& units_;
};

/// The exchange kernel.
template <class Arch, map Map>
void exchange_kernel(kernel_interface::panel_task& work) {
  using T = typename Map::weight;
  thread_units<Arch> units;
  panel_restorer<Arch, Map> merged(work.merged, work.merged_code, work.w, work.panel, units);
  panel_deltas<Arch, Map> wanted(work.wanted, work.w, work.panel, units);
  panel_encoder<Arch, Map> encoder(work.bits, work.exceptions);
  checksum<Arch> base_sum;
  // Only a swap compares here: a merge did while it merged, and of an unmerge nobody asks.
  const bool compares = work.bits != nullptr && !merged.has_nothing_to_do();
  std::int64_t changed = 0;
  work.arrived = 0;
  merged.for_each_base(
      work.w, work.panel, all_blocks, wanted.add_nothing() && !compares,
      [&](std::ptrdiff_t index, const weight_block<T>& found, const weight_block<T>& base) {
        weight_block<T> result = base;
        alignas(64) T goal[block_size];
        if (wanted.add_nothing()) {
          if (merged.has_nothing_to_do()) base_sum.absorb_block(base.source, base.source_stride);
        } else if (base.is_whole() && base.target != nullptr && !compares) {
          encoder.encode(index, base, wanted, base.target, base.target_stride, units);
          result.source = result.target;
        } else {
          encoder.encode(index, base, wanted, goal, block_cols, units);
          result.read_from(goal);
        }
        if (compares) changed += count_changes<Arch>(found, result);
        result.store();
        work.arrived = index + 1;
      });
  encoder.finish(units);
  work.wanted_code = encoder.code();
  work.counts = encoder.counts();
  if (!merged.has_nothing_to_do()) work.counts.changed = changed;
  if (wanted.add_nothing()) {
    if (!merged.has_nothing_to_do()) base_sum = merged.base_sum();
    work.base = work.goal = base_sum.state().of_panel(work.panel);
  } else {
    work.base = encoder.base_sum().state().of_panel(work.panel);
    work.goal = encoder.merged_sum().state().of_panel(work.panel);
  }
}

/// The take_back kernel.
template <class Arch, map Map>
void take_back_kernel(const kernel_interface::panel_task& work, std::ptrdiff_t count) {
  using T = typename Map::weight;
  thread_units<Arch> units;
  kernel_interface::weights w = work.w;
  w.from = w.to;
  w.from_stride = w.to_stride;
  panel_restorer<Arch, Map> wanted(work.wanted, work.wanted_code, w, work.panel, units);
  panel_deltas<Arch, Map> merged(work.merged, w, work.panel, units);
  wanted.for_each_base(w, work.panel, {0, count}, merged.add_nothing(),
                       [&](std::ptrdiff_t index, const weight_block<T>&, weight_block<T> base) {
                         alignas(64) T weights[block_size];
                         if (!merged.add_nothing()) {
                           combine_rows<Arch, Map>(
                               block_rows, {base.source, base.source_stride, weights, block_cols},
                               merged.of(index));
                           base.read_from(weights);
                         }
                         base.store();
                       });
}

/// The checksums kernel.
template <class Arch, element T>
panel_checksums checksums_kernel(const kernel_interface::weights& w, std::ptrdiff_t panel) {
  checksum<Arch> sum;
  for_each_block<T>(w, panel, all_blocks, [&](std::ptrdiff_t, const weight_block<T>& block) {
    sum.absorb_block(block.source, block.source_stride);
    return true;
  });
  return sum.state().of_panel(panel);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
