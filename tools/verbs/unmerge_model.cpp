#include <algorithm>

#include "checkpoint/destination.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "exchange/model_exchange.hpp"
#include "files/workshop.hpp"
#include "undo/found_undo.hpp"
#include "verbs/jobs.hpp"
#include "verbs/merged_model.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool {

unmerge_result unmerge_model(const unmerge_request& request) {
  model_place where = find_model(request.model);
  const folder_lock lock(where.home,
                         request.dry_run ? file::lock_kind::shared : file::lock_kind::exclusive);
  if (!request.dry_run) remove_left_overs(where.home);
  checkpoint model(std::move(where), request.common.weights);
  const found_undo found(request.undo, model);
  const model_state& state = found.state();
  refuse_changed(found);
  if (state.any(tensor_state::base) && !state.any(tensor_state::merged)) {
    throw problem(quoted(model.path()) + " is already at the base");
  }

  unmerge_result result;
  result.model = model.path();
  result.undo = found.path();
  const auto count =
      std::ranges::count(state.tensors, tensor_state::merged, &tensor_condition::state);
  result.restored = static_cast<std::size_t>(count);
  result.at_the_base = state.tensors.size() - result.restored;
  const exchange_jobs jobs = jobs_to_base(state, model);
  destination target(model, {{}, request.common.force, request.common.sync});
  check_replaceable(model, jobs, target);
  for (const shard_job& job : jobs.shards) {
    result.disk_bytes = std::max(result.disk_bytes, model.file_of(job.shard).size_bytes());
  }
  if (request.dry_run || jobs.shards.empty()) return result;

  kept_factor_reader factors(found.opened(), *found.state().merge,
                             moved_adapters(*found.state().merge, request.adapters));
  model_exchange exchange(
      model, target, &found, &factors,
      {.sync = request.common.sync, .threads = request.common.threads, .doing = "unmerging"});
  const auto merged_files = identities_of(model, jobs);
  exchange_result done = exchange.run(jobs);
  result.trouble = std::move(done.trouble);
  try {
    remember_restored(found, merged_files, done.files, request.common);
  } catch (const std::exception& error) {  // whatever it is, the model is at the base
    if (result.trouble.empty()) result.trouble = reason_of(error);
  }
  return result;
}

}  // namespace revlora::tool
