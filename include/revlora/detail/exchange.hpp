// The pass behind every verb that has to do with undo records. It leads weights from one list of
// adapters to another, by way of their base, which exists in registers and L1 only:
//
//   merge      base → list, recorded         verify     list → base, written nowhere
//   unmerge    list → base                   swap       list → list, recorded
//
// All or nothing. Merged weights and their record are functions of (base, delta), so a panel that
// was led to its goal can be led back, exactly, and is if another one fails: because somebody
// changed it, because its code is damaged, or because memory for a code runs out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "block.hpp"
#include "checksum.hpp"
#include "combine.hpp"
#include "delta_added.hpp"
#include "element_code.hpp"
#include "panel_decoder.hpp"
#include "panel_encoder.hpp"
#include "panel_memory.hpp"
#include "pass.hpp"
#include "record_format.hpp"
#include "schedule.hpp"

namespace revlora::inline v0::detail {

/// How a pass ended. After anything but `done` the weights are as they were.
enum class outcome : std::uint8_t { done, out_of_memory, weights_changed, record_damaged };

template <class Arch, element T, class Code = exact_code<T>>
class exchange {
 public:
  using delta_type = added_delta<Arch, T>;

  /// What the weights were merged with, and the record that leads back.
  struct origin {
    const delta_type& delta;
    const record_contents& record;
  };
  /// What they are to be merged with, and the record to be made, its header filled in.
  struct goal {
    const delta_type& delta;
    record_contents& record;
  };

  /// Without an origin the weights are the base; without a goal they are to be. `to` is `from`, or
  /// a matrix of the same shape that does not overlap it, or nowhere.
  exchange(matrix_view<const T> from, matrix_view<T> to, std::optional<origin> start,
           std::optional<goal> end)
      : from_(from),
        to_(to),
        old_record_(start ? &start->record : nullptr),
        new_record_(end ? &end->record : nullptr),
        old_delta_(start && !start->delta.adds_nothing() ? &start->delta : nullptr),
        new_delta_(end && !end->delta.adds_nothing() ? &end->delta : nullptr) {}

  /// Throws std::bad_alloc before anything is written.
  template <executor Executor>
  outcome run(const Executor& executor) {
    const std::ptrdiff_t panels = panels_of(from_.rows, from_.cols);
    std::vector<char> arrived(static_cast<std::size_t>(panels), false);
    if (new_record_ != nullptr) {
      new_record_->panels.assign(static_cast<std::size_t>(panels), {});
      new_record_->arena.clear();
    }
    std::atomic<outcome> result = outcome::done;
    for_each(executor, panels, [&](std::ptrdiff_t panel) {
      if (result != outcome::done) return;
      const outcome of_panel = lead(panel);
      if (of_panel == outcome::done)
        arrived[static_cast<std::size_t>(panel)] = true;
      else
        result = of_panel;
    });
    if (result == outcome::done) result = finish();
    if (result == outcome::done || to_.data == nullptr) return result;
    for_each(executor, panels, [&](std::ptrdiff_t panel) {
      if (!arrived[static_cast<std::size_t>(panel)]) return;
      take_back(panel, new_record_ != nullptr ? code_of(new_entry(panel), new_record_->arena)
                                              : panel_code{});
    });
    return result;
  }

  /// How many weights that were finite in the base are not any more.
  std::int64_t became_not_finite() const { return became_; }

 private:
  panel_entry& new_entry(std::ptrdiff_t panel) {
    return new_record_->panels[static_cast<std::size_t>(panel)];
  }

  /// One panel, from start to goal; if that fails, back again.
  outcome lead(std::ptrdiff_t panel) {
    panel_code old_code;
    if (old_record_ != nullptr) {
      const panel_entry& entry = old_record_->panels[static_cast<std::size_t>(panel)];
      // Before the first block is written. The panel stays in the cache for what follows.
      if (checksums_of<Arch>(from_, panel).narrow != entry.merged_checksum)
        return outcome::weights_changed;
      old_code = code_of(entry, old_record_->bytes);
    }
    panel_scratch scratch;
    const bool records = new_record_ != nullptr;
    if (records && !had_memory([&] { scratch = pool_.template take<T>(from_.cols); }))
      return outcome::out_of_memory;

    panel_decoder<Arch, T, Code> decoder(old_code);
    panel_encoder<Arch, T, Code> encoder(scratch);
    checksum<Arch> base_sum, merged_sum;
    std::ptrdiff_t arrived = 0;
    for_each_block(from_, to_, panel, [&](std::ptrdiff_t index, const weight_block<T>& block) {
      if (arrived < index) return;
      alignas(64) T base[block_size], merged[block_size];
      if (!to_base(old_delta_, decoder, panel, index, block, base)) return;
      const T* result = base;
      if (new_delta_ != nullptr) {
        alignas(64) float delta[block_size];
        new_delta_->fill(panel, index, block.rows, block.cols, delta);
        encoder.encode(index, block, base, delta, merged);
        result = merged;
      }
      // Only now: read again at once, what was just written in smaller pieces would have to be
      // waited for.
      base_sum.absorb_block(base);
      if (records) merged_sum.absorb_block(result);
      block.store(result);
      arrived = index + 1;
    });

    outcome result = arrived == blocks_of(from_.cols) ? outcome::done : outcome::record_damaged;
    if (records && result == outcome::done && !keep(panel, encoder.code()))
      result = outcome::out_of_memory;
    if (result == outcome::done) {
      base_ += panel_checksums(base_sum, panel).wide;
      became_ += encoder.became_not_finite();
      if (records) new_entry(panel).merged_checksum = panel_checksums(merged_sum, panel).narrow;
    } else if (to_.data != nullptr) {
      take_back(panel, encoder.code(), arrived);
    }
    if (records) pool_.give_back(std::move(scratch));
    return result;
  }

  bool keep(std::ptrdiff_t panel, const panel_code& code) {
    const std::lock_guard lock(mutex_);
    return had_memory([&] { append_code(new_record_->arena, new_entry(panel), code); });
  }

  outcome finish() {
    if (old_record_ != nullptr && base_ != old_record_->base_checksum)
      return outcome::record_damaged;
    if (new_record_ != nullptr) {
      new_record_->base_checksum = base_;
      if (!had_memory([&] { write_record(*new_record_); })) return outcome::out_of_memory;
    }
    return outcome::done;
  }

  /// Leads the first `count` blocks of a panel, which are at the goal, back to where they were.
  void take_back(std::ptrdiff_t panel, const panel_code& code, std::ptrdiff_t count = all_blocks) {
    panel_decoder<Arch, T, Code> decoder(code);
    const auto visit = [&](std::ptrdiff_t index, const weight_block<T>& block) {
      alignas(64) T weights[block_size];
      to_base(new_delta_, decoder, panel, index, block, weights);
      if (old_delta_ != nullptr) {
        alignas(64) float delta[block_size];
        old_delta_->fill(panel, index, block.rows, block.cols, delta);
        combine_rows<Arch>(block_rows, weights, block_cols, delta, plus_delta, weights, block_cols);
      }
      block.store(weights);
    };
    for_each_block(to_, to_, panel, visit, count);
  }

  /// Writes the base of a block to which `deltas` were added, if any. False if the code is damaged.
  static bool to_base(const delta_type* deltas, panel_decoder<Arch, T, Code>& decoder,
                      std::ptrdiff_t panel, std::ptrdiff_t index, const weight_block<T>& block,
                      T* base) {
    if (deltas == nullptr) {
      copy_block<T>(block.source, block.source_stride, base, block_cols);
      return true;
    }
    alignas(64) float delta[block_size];
    deltas->fill(panel, index, block.rows, block.cols, delta);
    return decoder.decode(index, block, delta, base);
  }

  matrix_view<const T> from_;
  matrix_view<T> to_;
  const record_contents* old_record_;  ///< null if the weights are the base
  record_contents* new_record_;        ///< null if they are to be
  const delta_type* old_delta_;        ///< null if nothing was added
  const delta_type* new_delta_;        ///< null if nothing is to be added
  std::mutex mutex_;
  scratch_pool pool_;
  std::atomic<std::uint64_t> base_ = 0;
  std::atomic<std::int64_t> became_ = 0;
};

}  // namespace revlora::inline v0::detail
