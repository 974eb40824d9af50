// The pass behind every verb that has to do with undo records. It leads weights from one list of
// adapters to another, by way of their base, which exists in registers and L1 only:
//
//   merge      base → list, recorded         validate   list → base, written nowhere
//   unmerge    list → base                   swap       list → list, recorded
//
// All or nothing. Merged weights and their record are functions of (base, delta), so a panel that
// was led to its goal can be led back, exactly, and is if another one fails: because somebody
// changed it, because its code is damaged, because memory for a code runs out, or because the
// executor throws or leaves it undone. The calling thread leads back, by itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "../../error.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../record/contents.hpp"
#include "../record/write.hpp"
#include "ieee_mode.hpp"
#include "packed_adapters.hpp"
#include "panel_memory.hpp"
#include "pass.hpp"
#include "piecework.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// How a pass ended. After anything but `done` the weights are as they were.
enum class outcome : std::uint8_t {
  done,
  out_of_memory,
  weights_changed,
  record_damaged,
  executor_failed,
};

class exchange {
 public:
  /// What the weights were merged with, and the record that leads back.
  struct origin {
    const packed_adapters& adapters;
    const record_contents& record;
  };
  /// What they are to be merged with, the record to be made, its header filled in, and the one that
  /// it will replace: until it is finished that is as it was.
  struct goal {
    const packed_adapters& adapters;
    record_contents& record;
    record_contents& replaced;
  };

  /// Without an origin the weights are the base; without a goal they are to be. `w.to` is `w.from`,
  /// or a matrix of the same shape that does not overlap it, or null. Throws std::bad_alloc.
  exchange(const weight_kernels& kernels, absorb_steps* steps, const kernel_interface::weights& w,
           std::optional<origin> start, std::optional<goal> end)
      : kernels_(kernels),
        absorb_(steps),
        weights_(w),
        old_record_(start ? &start->record : nullptr),
        new_record_(end ? &end->record : nullptr),
        replaced_record_(end ? &end->replaced : nullptr),
        old_delta_(start ? delta_of(start->adapters) : nullptr),
        new_delta_(end ? delta_of(end->adapters) : nullptr),
        panels_(panels_of(w.rows, w.cols)),
        arrived_(static_cast<std::size_t>(panels_of(w.rows, w.cols)), false) {
    if (new_record_ != nullptr) new_record_->panels.resize(arrived_.size());
  }

  /// What the executor throws passes through; then too the weights are as they were.
  outcome run(const plain::executor& executor) {
    way_back leads_back{*this};
    std::atomic<outcome> result = outcome::done;
    const auto lead_panel = [&](std::ptrdiff_t panel) {
      if (result != outcome::done) return;
      const outcome of_panel = lead(panel);
      if (of_panel == outcome::done)
        arrived_[static_cast<std::size_t>(panel)] = true;
      else
        result = of_panel;
    };
    execution_ = panels_.run(executor, weights_.rows * weights_.cols, lead_panel);
    if (result == outcome::done) result = execution_ ? finish() : outcome::executor_failed;
    leads_back.is_wanted = result != outcome::done;
    return result;
  }

  /// What the executor failed to do, if that is the outcome.
  const validation& execution() const { return execution_; }

  /// What is changed, and what is not finite any more that was in the base.
  change_counts counts() const { return counts_.sum(); }

 private:
  /// Leads the panels that have arrived back when it goes out of scope, also by an exception.
  struct way_back {
    exchange& of;
    bool is_wanted = true;

    ~way_back() {
      if (!is_wanted || of.weights_.to == nullptr) return;
      for (std::size_t panel = 0; panel < of.arrived_.size(); ++panel)
        if (of.arrived_[panel])
          in_ieee_mode([this](std::ptrdiff_t i) { of.lead_back(i); },
                       static_cast<std::ptrdiff_t>(panel));
    }
  };

  /// A panel that has arrived.
  void lead_back(std::ptrdiff_t panel) {
    kernel_interface::panel_task work = begin(panel);
    if (new_record_ != nullptr) work.wanted_code = code_of(new_entry(panel), new_record_->arena);
    kernels_.take_back(work, std::numeric_limits<std::ptrdiff_t>::max());
  }

  panel_entry& new_entry(std::ptrdiff_t panel) {
    return new_record_->panels[static_cast<std::size_t>(panel)];
  }

  static const kernel_interface::delta* delta_of(const packed_adapters& adapters) {
    return adapters.adds_nothing() ? nullptr : &adapters.delta();
  }

  kernel_interface::panel_task begin(std::ptrdiff_t panel) const {
    kernel_interface::panel_task work{};
    work.w = weights_;
    work.panel = panel;
    work.merged = old_delta_;
    work.wanted = new_delta_;
    return work;
  }

  /// One panel, from start to goal; if that fails, back again.
  outcome lead(std::ptrdiff_t panel) {
    kernel_interface::panel_task work = begin(panel);
    if (old_record_ != nullptr) {
      const panel_entry& entry = old_record_->panels[static_cast<std::size_t>(panel)];
      // Before the first block is written. The panel stays in the cache for what follows.
      if (kernels_.checksums(weights_, panel).of_panel != entry.merged_checksum)
        return outcome::weights_changed;
      work.merged_code = code_of(entry, old_record_->bytes);
    }
    panel_scratch scratch;
    if (new_record_ != nullptr) {
      if (!had_memory([&] { scratch = pool_.take(new_record_->type, weights_.cols); }))
        return outcome::out_of_memory;
      work.bits = scratch.bits.get();
      work.exceptions = scratch.exceptions.get();
    }
    kernels_.exchange(work);

    outcome result =
        work.arrived == blocks_of(weights_.cols) ? outcome::done : outcome::record_damaged;
    if (new_record_ != nullptr && result == outcome::done && !keep(panel, work.wanted_code))
      result = outcome::out_of_memory;
    if (result == outcome::done) {
      base_ += work.base.of_matrix;
      counts_.add(work.counts);
      if (new_record_ != nullptr) new_entry(panel).merged_checksum = work.goal.of_panel;
    } else if (weights_.to != nullptr) {
      kernels_.take_back(work, work.arrived);
    }
    if (new_record_ != nullptr) pool_.give_back(std::move(scratch));
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
      if (!had_memory([&] { write_record(*new_record_, *replaced_record_, absorb_); }))
        return outcome::out_of_memory;
    }
    return outcome::done;
  }

  const weight_kernels& kernels_;
  absorb_steps* absorb_;
  kernel_interface::weights weights_;
  const record_contents* old_record_;         ///< null if the weights are the base
  record_contents* new_record_;               ///< null if they are to be
  record_contents* replaced_record_;          ///< by the new one
  const kernel_interface::delta* old_delta_;  ///< null if nothing was added
  const kernel_interface::delta* new_delta_;  ///< null if nothing is to be added
  piecework panels_;
  std::vector<char> arrived_;  ///< which of them are at the goal
  validation execution_;
  std::mutex mutex_;
  scratch_pool pool_;
  std::atomic<std::uint64_t> base_ = 0;
  shared_counts counts_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
