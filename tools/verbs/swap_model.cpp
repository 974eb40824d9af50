#include <algorithm>

#include "checkpoint/destination.hpp"
#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "exchange/model_exchange.hpp"
#include "files/workshop.hpp"
#include "undo/compaction.hpp"
#include "undo/found_undo.hpp"
#include "verbs/jobs.hpp"
#include "verbs/merged_model.hpp"
#include "verbs/outlook.hpp"
#include "verbs/requests.hpp"
#include "verbs/wanted_adapters.hpp"

namespace revlora::tool {

namespace {

unmerge_request to_base(const swap_request& request) {
  return {request.model, request.undo, request.adapters, request.common, request.how.dry_run};
}

merge_request to_wanted(const swap_request& request) {
  return {.model = request.model,
          .adapters = request.to,
          .how = request.how,
          .common = request.common,
          .undo = request.undo};
}

/// Whether a swap to the same adapters was cut off.
bool is_to_go_on(const found_undo& found, const wanted_adapters& wanted) {
  const undo_file& undo = found.content();
  const auto& last = undo.last().adapters;
  if (undo.is_finished() || last.size() != wanted.adapters().size()) return false;
  for (std::size_t i = 0; i < last.size(); ++i) {
    const bool is_same =
        last[i].path == wanted.adapters()[i].path && last[i].strength == wanted.strengths()[i];
    if (!is_same) return false;
  }
  return undo.merges().size() > 1;
}

merge_result nothing_merged(const swap_request& request) {
  if (request.to.empty()) {
    throw problem(quoted(request.model) + " is at the base: there is nothing to take out");
  }
  return merge_model(to_wanted(request));
}

merge_result swapped_to_base(const swap_request& request) {
  unmerge_result done = unmerge_model(to_base(request));
  merge_result result;
  result.model = std::move(done.model);
  result.undo = std::move(done.undo);
  result.disk_bytes = done.disk_bytes;
  result.trouble = std::move(done.trouble);
  return result;
}

merge_result swapped_in_one_pass(const swap_request& request, checkpoint& model,
                                 const found_undo& found) {
  const wanted_adapters wanted(model, request.to, request.how, &found.state());
  destination target(model, {{}, request.common.force, request.common.sync});
  const exchange_jobs jobs = jobs_of(wanted, &found.state(), model);
  check_replaceable(model, jobs, target);
  merge_result result = outline_of(model, wanted, jobs, target);
  result.undo = found.path();
  if (request.how.dry_run) {
    estimate(model, jobs, request.how.embed, result);
    return result;
  }
  result.is_finished_earlier = is_to_go_on(found, wanted);
  kept_factor_reader factors(found.opened(), *found.state().merge,
                             moved_adapters(*found.state().merge, request.adapters));
  undo_target log(found, found.content().whole_bytes());
  const undo_merge merge = wanted.as_merge(model, target, jobs);
  const std::uint64_t begin = found.content().whole_bytes();
  exchange_result done =
      model_exchange(model, target, &found, &factors,
                     {request.how.embed, request.common.sync, request.common.threads, "swapping"})
          .run(jobs, merge, log, wanted.adapters());
  take_over(done, result);
  const uninterrupted until_done;  // the model is what was asked for
  try {
    result.undo_bytes =
        compact(found.where(), {begin, done.undo_bytes - begin}, request.common.sync);
  } catch (const std::exception& error) {  // whatever it is, the model is what was asked for
    if (result.trouble.empty()) result.trouble = reason_of(error);
  }
  return result;
}

/// Which way leads there.
enum class swap_way { merge, unmerge, in_one_pass, in_two_passes };

swap_way way_of(const swap_request& request, const std::optional<found_undo>& found) {
  if (!found) return swap_way::merge;
  refuse_changed(*found);
  if (!found->state().any(tensor_state::merged)) return swap_way::merge;
  if (request.to.empty()) return swap_way::unmerge;
  return is_laid_out_anew(found->state()) ? swap_way::in_two_passes : swap_way::in_one_pass;
}

std::optional<found_undo> find_undo(const swap_request& request, const checkpoint& model) {
  if (!request.undo) return found_undo::try_find(model);
  const place asked(*request.undo);
  if (!asked.in.find(asked.name)) return {};
  return found_undo(request.undo, model);
}

/// Does it, if it can be done in one pass.
swap_way swap_if_in_one_pass(const swap_request& request, merge_result& result) {
  model_place where = find_model(request.model);
  const folder_lock lock(
      where.home, request.how.dry_run ? file::lock_kind::shared : file::lock_kind::exclusive);
  if (!request.how.dry_run) remove_left_overs(where.home);
  checkpoint model(std::move(where), request.common.weights);
  const std::optional<found_undo> found = find_undo(request, model);
  const swap_way way = way_of(request, found);
  if (way == swap_way::in_one_pass) result = swapped_in_one_pass(request, model, *found);
  // What would be refused must not be found out when the model is at its base already.
  if (way == swap_way::in_two_passes) {
    const wanted_adapters wanted(model, request.to, request.how, &found->state());
  }
  return way;
}

/// By the base: the plan does not see tensors as they are there while they are larger.
merge_result swapped_in_two_passes(const swap_request& request) {
  if (request.how.dry_run) {
    throw problem(
        "what a swap would do cannot be told here: the merge added tensors or rows, which "
        "have to go first: unmerge, and ask for a merge");
  }
  unmerge_model(to_base(request));
  try {
    return merge_model(to_wanted(request));
  } catch (const partly_done&) {
    throw;
  } catch (const std::exception& error) {
    throw partly_done(std::string(reason_of(error)) +
                      " (what was merged is taken out, and the model is at its base)");
  }
}

}  // namespace

merge_result swap_model(const swap_request& request) {
  merge_result result;
  switch (swap_if_in_one_pass(request, result)) {
    case swap_way::in_one_pass:
      return result;
    case swap_way::merge:
      return nothing_merged(request);
    case swap_way::unmerge:
      return swapped_to_base(request);
    case swap_way::in_two_passes:
      break;
  }
  return swapped_in_two_passes(request);
}

}  // namespace revlora::tool
