#include "verbs/jobs.hpp"

#include <map>

namespace revlora::tool {

namespace {

using jobs_by_shard = std::map<std::size_t, shard_job>;

tensor_job& job_of(jobs_by_shard& jobs, std::size_t shard, const std::string& name) {
  return jobs.try_emplace(shard, shard_job{shard, {}}).first->second.tensors[name];
}

void add_merged(jobs_by_shard& jobs, const model_state& merged, const checkpoint& model) {
  for (const tensor_condition& each : merged.tensors) {
    if (each.state != tensor_state::merged) continue;
    const located_tensor& located = *model.find(each.tensor->name);
    tensor_job& job = job_of(jobs, located.shard, each.tensor->name);
    job.merged = each.tensor;
    job.merged_in = each.shard;
    job.merged_by = each.merge;
  }
}

exchange_jobs in_order(jobs_by_shard jobs) {
  exchange_jobs result;
  for (auto& [shard, job] : jobs) result.shards.push_back(std::move(job));
  return result;
}

}  // namespace

exchange_jobs jobs_of(const wanted_adapters& wanted, const model_state* merged,
                      const checkpoint& model) {
  jobs_by_shard jobs;
  if (merged != nullptr) add_merged(jobs, *merged, model);
  for (const planned_tensor& planned : wanted.plan().tensors()) {
    job_of(jobs, planned.shard, planned.name).goal = goal_of(planned, wanted.adapters());
  }
  return in_order(std::move(jobs));
}

exchange_jobs jobs_to_base(const model_state& merged, const checkpoint& model) {
  jobs_by_shard jobs;
  add_merged(jobs, merged, model);
  exchange_jobs result = in_order(std::move(jobs));
  result.texts = merged.texts;
  return result;
}

}  // namespace revlora::tool
