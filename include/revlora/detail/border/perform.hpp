// From a call to the pass that does it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "../../adapter.hpp"
#include "../namespace.hpp"
#include "../plain.hpp"
#include "../record/contents.hpp"
#include "../record/write.hpp"
#include "../refuse.hpp"
#include "../schedule/call_memory.hpp"
#include "../schedule/exchange.hpp"
#include "../schedule/packed_adapters.hpp"
#include "../schedule/pass.hpp"
#include "../schedule/policy.hpp"
#include "../schedule/scales.hpp"
#include "call.hpp"
#include "check.hpp"
#include "check_record.hpp"
#include "fingerprint.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// How weights become merged ones, by a list.
inline weight_map map_of(const plain::call& call, const plain::adapter_list& list) {
  return weight_map_of(static_cast<element_type>(call.from.elements.type),
                       static_cast<recipe>(list.recipe));
}

/// One call, whose arguments have been checked. What it does throws std::bad_alloc, and what the
/// executor throws passes through; then, and after a refusal, weights that were to be changed in
/// place are as they were, and so are records.
class performance {
 public:
  /// Throws std::bad_alloc.
  explicit performance(const plain::call& call)
      : call_(call), kernels_(*call.kernels), memory_(call.memory), scales_(call.from, memory_) {}

  /// W ← round(W ± D), and nothing that leads back.
  validation combine(const plain::adapter_list& list, bool subtracts, change_counts& counts) {
    if (list.count == 0)
      return call_.elsewhere
                 ? copy_pass(call_.from.elements, call_.to.elements, call_.runs_on, memory_)
                 : validation();
    const packed_adapters packed(kernels_, map_of(call_, list), list, call_.runs_on, memory_);
    if (!packed.found()) return packed.found();
    return combine_pass(kernels_for(map_of(call_, list)), weights(true), packed, subtracts,
                        call_.runs_on, memory_, counts);
  }

  /// From one list to another, by way of the base. Without an origin the weights are the base;
  /// without a goal they are to be.
  validation exchange_lists(bool has_origin, bool has_goal, change_counts& counts) {
    const record_contents* const old_record = has_origin ? contents_of(call_.old_record) : nullptr;
    const weight_map map = map_of(call_, call_.wanted.count > 0 ? call_.wanted : call_.merged);
    std::optional<packed_adapters> merged, wanted;
    std::optional<exchange::origin> origin;
    std::optional<exchange::goal> goal;
    if (has_origin) {
      if (validation found = check_record(call_.from, call_.merged, old_record, kernels_.absorb);
          !found)
        return found;
      merged.emplace(kernels_, map, call_.merged, call_.runs_on, memory_);
      if (!merged->found()) return merged->found();
      origin.emplace(exchange::origin{*merged, *old_record});
    }
    std::unique_ptr<record_contents> made;
    if (has_goal) {
      wanted.emplace(kernels_, map, call_.wanted, call_.runs_on, memory_);
      if (!wanted->found()) return wanted->found();
      record_contents* replaced = contents_of(*call_.new_record);
      if (replaced == nullptr) {
        made = std::make_unique<record_contents>();
        replaced = made.get();
      }
      goal.emplace(exchange::goal{*wanted, header_of_new_record(), *replaced});
    }
    const bool changes = (has_origin && call_.merged.count > 0) ||
                         (has_goal && call_.wanted.count > 0) || call_.elsewhere;
    exchange work(kernels_for(map), kernels_.absorb, weights(changes), origin, goal, memory_);
    if (validation found = run(work, old_record); !found) return found;
    counts = work.counts();
    if (made != nullptr) *call_.new_record = handle_of(made.release());
    return {};
  }

  /// What the weights are to a record; says what the executor failed to do.
  validation find_state(const record_contents* record, plain::state& state) {
    state = plain::state::other;
    const plain::matrix& w = call_.from.elements;
    if (record == nullptr || record->bytes.empty() ||
        record->type != static_cast<element_type>(w.type) || record->rows != w.rows ||
        record->cols != w.cols)
      return {};
    std::atomic<bool> is_merged = true;
    std::atomic<std::uint64_t> sum = 0;
    validation found = checksum_pass(
        kernels_for(weight_map_of(record->type, record->recipe)), weights(false), call_.runs_on,
        memory_, [&](std::ptrdiff_t panel, const panel_checksums& checksums) {
          sum += checksums.of_matrix;
          if (checksums.of_panel != record->panels[static_cast<std::size_t>(panel)].merged_checksum)
            is_merged = false;
        });
    if (is_merged)
      state = plain::state::merged;
    else if (sum == record->base_checksum)
      state = plain::state::base;
    return found;
  }

 private:
  const weight_kernels& kernels_for(weight_map map) const {
    return kernels_.of[static_cast<int>(map)];
  }

  /// Without a target nothing is written, so that mapped pages stay clean.
  kernel_interface::weights weights(bool are_written) const {
    const plain::matrix &from = call_.from.elements, &to = call_.to.elements;
    const bool has_target = are_written && !call_.only_checks;
    return {from.data, from.row_stride, has_target ? to.data : nullptr, to.row_stride, from.rows,
            from.cols, scales_.grid()};
  }

  record_draft header_of_new_record() {
    const plain::adapter_list& list = call_.wanted;
    auto* const fingerprints = memory_.take<std::uint64_t>(list.count);
    for (std::size_t i = 0; i < list.count; ++i)
      fingerprints[i] = fingerprint_of(list.adapters[i], kernels_.absorb);
    record_draft draft;
    draft.type = static_cast<element_type>(call_.from.elements.type);
    draft.recipe = static_cast<recipe>(list.recipe);
    draft.rows = static_cast<std::uint64_t>(call_.from.elements.rows);
    draft.cols = static_cast<std::uint64_t>(call_.from.elements.cols);
    draft.fingerprints = {fingerprints, list.count};
    draft.scales_fingerprint = fingerprint_of(call_.from, kernels_.absorb);
    return draft;
  }

  /// Runs an exchange, and says what ended it, if it is not done.
  validation run(exchange& work, const record_contents* old_record) {
    switch (work.run(call_.runs_on)) {
      case outcome::done:
        return {};
      case outcome::out_of_memory:
        return no_memory();
      case outcome::executor_failed:
        return work.execution();
      case outcome::record_damaged:
        return refused(
            refusal::damaged,
            {"the undo record is damaged: it does not lead back to the base of the merge"});
      case outcome::weights_changed:
        break;
    }
    plain::state state;
    if (validation found = find_state(old_record, state); !found) return found;
    if (state == plain::state::base)
      return refused(refusal::already_unmerged, {"W has been unmerged already, it is at the base"});
    return refused(refusal::weights_changed,
                   {"W is not what this undo record starts from: it was changed since"});
  }

  const plain::call& call_;
  const kernel_table& kernels_;
  call_memory memory_;
  widened_scales scales_;
};

inline validation check_arguments(const plain::call& call) {
  if (call.asked == plain::verb::swap) return check(call.from, call.merged, call.wanted);
  const bool merges = call.asked == plain::verb::merge || call.asked == plain::verb::merge_recorded;
  const plain::adapter_list& list = merges ? call.wanted : call.merged;
  return call.elsewhere ? check(call.from, call.to, list) : check(call.from, list);
}

inline validation perform_checked(const plain::call& call, plain::answer& answer) {
  if (validation found = check_arguments(call); !found) return found;
  const bool is_fresh = call.old_record == nullptr || contents_of(call.old_record)->bytes.empty();
  if (call.asked == plain::verb::swap && call.merged.count > 0 && call.wanted.count > 0 &&
      map_of(call, call.merged) != map_of(call, call.wanted))
    return refused(
        {"the recipes of a swap differ in what becomes of overflow: unmerge, then merge"});
  if (call.kernels == nullptr) return {};  // that was all the question
  performance work(call);
  switch (call.asked) {
    case plain::verb::merge:
      return work.combine(call.wanted, false, answer.counts);
    case plain::verb::subtract:
      return work.combine(call.merged, true, answer.counts);
    case plain::verb::merge_recorded:
      return work.exchange_lists(false, true, answer.counts);
    case plain::verb::unmerge:
      return work.exchange_lists(true, false, answer.counts);
    case plain::verb::swap:
      // With nothing merged, and no record of it: the weights are the base.
      return work.exchange_lists(!is_fresh || call.merged.count > 0, !call.only_checks,
                                 answer.counts);
    case plain::verb::look:
      return work.find_state(contents_of(call.old_record), answer.state);
  }
  return {};
}

/// Does what is asked for, or says why not: a refusal, and in words. Throws what the executor
/// throws.
inline std::uint8_t perform(const plain::call& call, plain::answer& answer, std::string& text) {
  validation found;
  if (!had_memory([&] {
        found = perform_checked(call, answer);
        text = found.text();
      })) {
    found = no_memory();
    text = found.text();
  }
  return static_cast<std::uint8_t>(found.reason());
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
