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

/// Leads the blocks of a panel back to their base, in order.
template <class Arch, map Map>
struct panel_restorer {
  using T = typename Map::weight;

  panel_deltas<Arch, Map> deltas;  ///< what was added
  panel_decoder<Arch, Map> decoder;
  thread_units<Arch>& units;

  /// Lets `block` be read from where its base is: where it lay, if nothing was added, else from
  /// `restored`. False if the code is damaged.
  bool restore(std::ptrdiff_t index, weight_block<T>& block, T* restored) {
    if (deltas.add_nothing()) return true;
    if (!decoder.decode(index, block, deltas.of(index), restored, units)) return false;
    block.read_from(restored);
    return true;
  }
};

/// The exchange kernel.
template <class Arch, map Map>
void exchange_kernel(kernel_interface::panel_task& work) {
  using T = typename Map::weight;
  thread_units<Arch> units;
  panel_restorer<Arch, Map> merged{
      {work.merged, work.w, work.panel, units}, panel_decoder<Arch, Map>(work.merged_code), units};
  panel_deltas<Arch, Map> wanted(work.wanted, work.w, work.panel, units);
  panel_encoder<Arch, Map> encoder(work.bits, work.exceptions);
  checksum<Arch> base_sum, goal_sum;
  std::int64_t changed = 0;
  work.arrived = 0;
  for_each_block<T>(
      work.w, work.panel, all_blocks, [&](std::ptrdiff_t index, weight_block<T> block) {
        const weight_block<T> found = block;
        alignas(64) T base[block_size], goal[block_size];
        if (!merged.restore(index, block, base)) return false;
        weight_block<T> result = block;
        if (wanted.add_nothing()) {
          base_sum.absorb_block(block.source, block.source_stride);
          if (work.bits != nullptr) goal_sum.absorb_block(block.source, block.source_stride);
        } else {
          encoder.encode(index, block, wanted.of(index), goal, base_sum, goal_sum, units);
          result.read_from(goal);
        }
        // Only a swap compares here: a merge did while it merged, and of an unmerge nobody asks.
        if (work.bits != nullptr && !merged.deltas.add_nothing())
          changed += count_changes<Arch>(found, result);
        result.store();
        work.arrived = index + 1;
        return true;
      });
  work.wanted_code = encoder.code();
  work.base = base_sum.state().of_panel(work.panel);
  work.goal = goal_sum.state().of_panel(work.panel);
  work.counts = encoder.counts();
  if (!merged.deltas.add_nothing()) work.counts.changed = changed;
}

/// The take_back kernel.
template <class Arch, map Map>
void take_back_kernel(const kernel_interface::panel_task& work, std::ptrdiff_t count) {
  using T = typename Map::weight;
  thread_units<Arch> units;
  panel_restorer<Arch, Map> wanted{
      {work.wanted, work.w, work.panel, units}, panel_decoder<Arch, Map>(work.wanted_code), units};
  panel_deltas<Arch, Map> merged(work.merged, work.w, work.panel, units);
  kernel_interface::weights w = work.w;
  w.from = w.to;
  w.from_stride = w.to_stride;
  const auto visit = [&](std::ptrdiff_t index, weight_block<T> block) {
    alignas(64) T weights[block_size];
    wanted.restore(index, block, weights);
    if (!merged.add_nothing()) {
      combine_rows<Arch, Map>(block_rows, {block.source, block.source_stride, weights, block_cols},
                              merged.of(index));
      block.read_from(weights);
    }
    block.store();
    return true;
  };
  for_each_block<T>(w, work.panel, {0, count}, visit);
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
