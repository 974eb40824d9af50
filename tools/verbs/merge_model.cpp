#include <optional>

#include "checkpoint/destination.hpp"
#include "exchange/model_exchange.hpp"
#include "files/file_name.hpp"
#include "files/workshop.hpp"
#include "undo/undo_place.hpp"
#include "verbs/jobs.hpp"
#include "verbs/merged_model.hpp"
#include "verbs/outlook.hpp"
#include "verbs/requests.hpp"
#include "verbs/unfinished.hpp"
#include "verbs/wanted_adapters.hpp"

namespace revlora::tool {

namespace {

void check_names(const exchange_jobs& jobs, const destination& target) {
  for (const shard_job& job : jobs.shards) {
    check_relative_name(target.name_of(job.shard),
                        "an undo file could not name a file of the model, so rename it: its name");
  }
}

/// Nothing if a merge was interrupted that cannot be gone on with from where it is: its tensors
/// have other places than the plan sees.
std::optional<merge_result> merge_if_possible(const merge_request& request) {
  model_place where = find_model(request.model);
  // An undo file could not name them, and would not be written after all the work.
  require_utf8(where.path(), "the model");
  const bool only_reads = request.out || request.how.dry_run;
  const folder_lock lock(where.home,
                         only_reads ? file::lock_kind::shared : file::lock_kind::exclusive);
  if (only_reads) {
    report_left_overs(where.home);
  } else {
    remove_left_overs(where.home);
  }
  checkpoint model(std::move(where), request.common.weights);
  const wanted_adapters wanted(model, request.adapters, request.how);
  destination target(model, {request.out, request.common.force, request.common.sync});
  require_utf8(target.path(), "the new model");
  if (request.out && !request.how.dry_run) remove_left_overs(target.home());
  exchange_jobs jobs = jobs_of(wanted, nullptr, model);
  check_replaceable(model, jobs, target);
  check_names(jobs, target);
  merge_result result = outline_of(model, wanted, jobs, target);
  undo_place undo_at({request.undo, request.overwrite_undo, request.common.force}, model, target);
  result.undo = undo_at.path();
  if (request.how.dry_run) {
    estimate(model, jobs, request.how.embed, result);
    return result;
  }
  const exchange_options options{request.how.embed, request.common.sync, request.common.threads,
                                 "merging"};
  exchange_result done;
  if (const auto& found = undo_at.unfinished()) {
    require_same_adapters(*found, wanted);
    if (is_laid_out_anew(found->state())) return {};
    const unfinished_merge rest(*found, wanted);
    result.undo = found->path();
    result.is_finished_earlier = true;
    jobs = rest.jobs_left(std::move(jobs), model);
    undo_target log(*found, rest.whole_bytes());
    done = model_exchange(model, target, &*found, nullptr, options)
               .run(jobs, found->content().last(), log, wanted.adapters());
    add(done.counts, rest.counts_so_far());
  } else {
    undo_target log(undo_at, target);
    const undo_merge merge = wanted.as_merge(model, target, jobs);
    done = model_exchange(model, target, nullptr, nullptr, options)
               .run(jobs, merge, log, wanted.adapters());
  }
  take_over(done, result);
  return result;
}

}  // namespace

merge_result merge_model(const merge_request& request) {
  if (auto done = merge_if_possible(request)) return std::move(*done);
  unmerge_model({.model = request.model, .undo = request.undo, .common = request.common});
  auto done = merge_if_possible(request);
  done->is_finished_earlier = true;
  return std::move(*done);
}

}  // namespace revlora::tool
