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

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "../../error.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../record/contents.hpp"
#include "../record/read.hpp"
#include "../record/write.hpp"
#include "../refuse.hpp"
#include "call_memory.hpp"
#include "ieee_mode.hpp"
#include "packed_adapters.hpp"
#include "panel_scratch.hpp"
#include "pass.hpp"
#include "piecework.hpp"
#include "policy.hpp"

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
  /// What they are to be merged with, what the record to be made is to say of that, and the one
  /// that it will replace: until all is done that is as it was.
  struct goal {
    const packed_adapters& adapters;
    record_draft record;
    record_contents& replaced;
  };

  /// Without an origin the weights are the base; without a goal they are to be. `w.to` is `w.from`,
  /// or a matrix of the same shape that does not overlap it, or null. Throws std::bad_alloc.
  exchange(const weight_kernels& kernels, absorb_steps* steps, const kernel_interface::weights& w,
           std::optional<origin> start, std::optional<goal> end, call_memory& memory)
      : kernels_(kernels),
        absorb_(steps),
        weights_(w),
        old_record_(start ? &start->record : nullptr),
        old_delta_(start ? delta_of(start->adapters) : nullptr),
        goal_(end),
        new_delta_(end ? delta_of(end->adapters) : nullptr),
        panel_count_(static_cast<std::size_t>(panels_of(w.rows, w.cols))),
        panels_(panels_of(w.rows, w.cols), memory),
        arrived_(memory.take<bool>(panel_count_)),
        memory_(memory),
        scratch_(memory, end ? end->record.type : element_type::fp32, w.cols) {
    std::fill_n(arrived_, panel_count_, false);
    if (!goal_) return;
    coded_ = memory.take<coded_panel>(panel_count_);
    goal_->record.panels = {coded_, panel_count_};
  }

  /// What the executor throws passes through; then too the weights are as they were.
  outcome run(const plain::executor& executor) {
    way_back leads_back{*this};
    const std::ptrdiff_t elements = weights_.rows * weights_.cols;
    if (goal_) scratch_.reserve(std::min(panels_.count(), pieces_at_once(executor, elements)));
    std::atomic<outcome> result = outcome::done;
    const auto lead_panel = [&](std::ptrdiff_t panel) {
      if (result != outcome::done) return;
      const outcome of_panel = lead(panel);
      if (of_panel == outcome::done)
        arrived_[panel] = true;
      else
        result = of_panel;
    };
    execution_ = panels_.run(executor, elements, lead_panel);
    if (result == outcome::done) result = execution_ ? finish(executor) : outcome::executor_failed;
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
      for (std::ptrdiff_t panel = 0; panel < of.panels_.count(); ++panel)
        if (of.arrived_[panel]) in_ieee_mode([this](std::ptrdiff_t i) { of.lead_back(i); }, panel);
    }
  };

  /// A panel that has arrived.
  void lead_back(std::ptrdiff_t panel) {
    kernel_interface::panel_task work = begin(panel);
    if (goal_) work.wanted_code = coded_[panel].code;
    kernels_.take_back(work, std::numeric_limits<std::ptrdiff_t>::max());
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
    panel_scratch* scratch = nullptr;
    if (goal_) {
      if (!had_memory([&] { scratch = scratch_.take(); })) return outcome::out_of_memory;
      work.bits = scratch->bits;
      work.exceptions = scratch->exceptions;
    }
    kernels_.exchange(work);

    outcome result =
        work.arrived == blocks_of(weights_.cols) ? outcome::done : outcome::record_damaged;
    if (goal_ && result == outcome::done && !had_memory([&] {
          coded_[panel] = {copy_in(memory_, work.wanted_code), work.goal.of_panel};
        }))
      result = outcome::out_of_memory;
    if (result == outcome::done) {
      base_ += work.base.of_matrix;
      counts_.add(work.counts);
    } else if (weights_.to != nullptr) {
      kernels_.take_back(work, work.arrived);
    }
    if (goal_) scratch_.give_back(scratch);
    return result;
  }

  /// Of all panels.
  outcome finish(const plain::executor& executor) {
    if (old_record_ != nullptr && base_ != old_record_->base_checksum)
      return outcome::record_damaged;
    if (!goal_) return outcome::done;
    goal_->record.base_checksum = base_;
    std::optional<record_writer> writer;
    if (!had_memory([&] { writer.emplace(goal_->record, goal_->replaced); }))
      return outcome::out_of_memory;
    const auto put = [&](std::ptrdiff_t panel) {
      writer->put_code(static_cast<std::size_t>(panel));
    };
    // Into memory that was touched before it is a copy, too little for a team. Fresh pages, 1 µs
    // and more each, are for the executor, which may fail: the replaced record is as it was. But a
    // team has to have 1 MiB to fill: where one of it waited for a processor, waking it took 8 ms.
    constexpr std::ptrdiff_t bytes_per_number = (std::ptrdiff_t{1} << 20) / worth_a_team;
    const auto numbers = static_cast<std::ptrdiff_t>(writer->size()) / bytes_per_number;
    if (writer->overwrites())
      for (std::ptrdiff_t panel = 0; panel < panels_.count(); ++panel) put(panel);
    else if (execution_ = panels_.run(executor, numbers, put); !execution_)
      return outcome::executor_failed;
    writer->finish(absorb_);
    return outcome::done;
  }

  const weight_kernels& kernels_;
  absorb_steps* absorb_;
  kernel_interface::weights weights_;
  const record_contents* old_record_;         ///< null if the weights are the base
  const kernel_interface::delta* old_delta_;  ///< null if nothing was added
  std::optional<goal> goal_;                  ///< none if they are to be the base
  const kernel_interface::delta* new_delta_;  ///< null if nothing is to be added
  std::size_t panel_count_;
  piecework panels_;
  bool* arrived_;                 ///< which of them are at the goal
  coded_panel* coded_ = nullptr;  ///< what the new record is to say of those
  validation execution_;
  call_memory& memory_;
  scratch_pool scratch_;
  std::atomic<std::uint64_t> base_ = 0;
  shared_counts counts_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
