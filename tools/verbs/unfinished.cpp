#include "verbs/unfinished.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "exchange/window_exchange.hpp"
#include "revlora/fingerprint.hpp"
#include "undo/record_in_file.hpp"

namespace revlora::tool {

namespace {

std::string describe(const std::vector<merged_adapter>& adapters) {
  std::string text;
  for (const merged_adapter& each : adapters) {
    text += (text.empty() ? "" : " ") + quoted(each.path);
    if (each.strength != 1) text += "=" + describe_shortest(each.strength);
  }
  return text;
}

[[noreturn]] void refuse(const found_undo& found) {
  throw problem("a merge of " + describe(found.content().last().adapters) +
                " was interrupted, says " + quoted(found.path()) +
                ": ask for the same again, and it is finished, or unmerge first");
}

/// Whether the factors are those of the records that are there.
bool are_the_same(const found_undo& found, const undo_tensor& merged, const tensor_goal& goal) {
  if (goal.recipe != merged.recipe || goal.shape != merged.shape ||
      goal.windows.size() != merged.windows.size()) {
    return false;
  }
  factor_shelf factors(goal.load);
  for (std::size_t i = 0; i < goal.windows.size(); ++i) {
    const goal_window& wanted = goal.windows[i];
    const undo_window& there = merged.windows[i];
    if (wanted.begin != there.begin || wanted.rows != there.rows ||
        wanted.updates != there.updates) {
      return false;
    }
    if (wanted.updates.empty()) continue;
    const undo_record record = read_record(found.opened(), merged, there);
    const factors_in_use given = factors.take(wanted.updates, wanted.rows);
    for (std::size_t k = 0; k < given.views.size(); ++k) {
      if (fingerprint(given.views[k]) != record.fingerprints()[k]) return false;
    }
  }
  return true;
}

}  // namespace

void require_same_adapters(const found_undo& found, const wanted_adapters& wanted) {
  const undo_merge& last = found.content().last();
  if (found.content().merges().size() > 1) {
    throw problem("a swap was interrupted, says " + quoted(found.path()) +
                  ": ask for the same swap again, or unmerge first");
  }
  bool is_same = last.adapters.size() == wanted.adapters().size();
  for (std::size_t i = 0; is_same && i < last.adapters.size(); ++i) {
    is_same = last.adapters[i].path == wanted.adapters()[i].path &&
              last.adapters[i].strength == wanted.strengths()[i];
  }
  if (!is_same) refuse(found);
}

unfinished_merge::unfinished_merge(const found_undo& found, const wanted_adapters& wanted)
    : found_(found) {
  for (const planned_tensor& planned : wanted.plan().tensors()) {
    const auto there = std::ranges::find_if(
        found.state().tensors, [&](const auto& each) { return each.tensor->name == planned.name; });
    if (there == found.state().tensors.end() || there->state != tensor_state::merged) continue;
    if (!are_the_same(found, *there->tensor, goal_of(planned, wanted.adapters()))) refuse(found);
  }
}

bool unfinished_merge::is_done(const undo_shard& shard) const {
  return std::ranges::none_of(found_.state().tensors, [&](const tensor_condition& each) {
    return each.shard == &shard && each.state == tensor_state::base;
  });
}

exchange_jobs unfinished_merge::jobs_left(exchange_jobs jobs, const checkpoint& model) const {
  const auto& done = found_.content().last().shards;
  std::erase_if(jobs.shards, [&](const shard_job& job) {
    return std::ranges::any_of(done, [&](const undo_shard& shard) {
      return shard.identity.name == model.shards()[job.shard] && is_done(shard);
    });
  });
  return jobs;
}

merge_counts unfinished_merge::counts_so_far() const {
  merge_counts counts;
  for (const undo_shard& shard : found_.content().last().shards) {
    if (!is_done(shard)) continue;
    for (const undo_tensor& tensor : shard.tensors) {
      for (const undo_window& window : tensor.windows) {
        counts.changed += window.changed;
        counts.record_bytes += window.record.size + window.kept.size;
      }
      for (const kept_factors& each : tensor.factors) {
        if (each.embedded) counts.factor_bytes += each.embedded->size;
      }
    }
  }
  return counts;
}

std::uint64_t unfinished_merge::whole_bytes() const {
  for (const undo_shard& shard : found_.content().last().shards) {
    if (!is_done(shard)) return shard.section_begin;
  }
  return found_.content().whole_bytes();
}

}  // namespace revlora::tool
