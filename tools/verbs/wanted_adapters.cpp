#include "verbs/wanted_adapters.hpp"

#include <ctime>

#include "files/file_name.hpp"
#include "formats/formats.hpp"

namespace revlora::tool {

namespace {

std::vector<stored_adapter> read(const std::vector<adapter_request>& requests) {
  std::vector<std::filesystem::path> paths;
  for (const adapter_request& each : requests) paths.push_back(each.path);
  std::vector<stored_adapter> adapters = read_adapters(paths);
  for (const stored_adapter& each : adapters) require_utf8(each.path, "the adapter");
  return adapters;
}

std::vector<double> strengths_in(const std::vector<adapter_request>& requests) {
  std::vector<double> strengths;
  for (const adapter_request& each : requests) strengths.push_back(each.strength);
  return strengths;
}

std::set<std::string> names_of_merged(const model_state* merged) {
  std::set<std::string> names;
  if (merged == nullptr) return names;
  for (const tensor_condition& each : merged->tensors) {
    if (each.state == tensor_state::merged) names.insert(each.tensor->name);
  }
  return names;
}

}  // namespace

wanted_adapters::wanted_adapters(const checkpoint& model,
                                 const std::vector<adapter_request>& requests,
                                 const merge_options& how, const model_state* merged)
    : adapters_(read(requests)),
      strengths_(strengths_in(requests)),
      plan_(
          model, adapters_,
          {strengths_, how.recipe, how.fan_in_fan_out, how.allow_unused, names_of_merged(merged)}) {
}

undo_merge wanted_adapters::as_merge(const checkpoint& model, const destination& target,
                                     const exchange_jobs& jobs) const {
  undo_merge merge;
  merge.model = target.path();
  merge.time = static_cast<std::uint64_t>(std::time(nullptr));
  for (std::size_t i = 0; i < adapters_.size(); ++i) {
    merge.adapters.push_back({adapters_[i].path, strengths_[i]});
  }
  for (const shard_job& job : jobs.shards) {
    const bool is_merged = std::ranges::any_of(
        job.tensors, [](const auto& each) { return each.second.goal.has_value(); });
    if (is_merged) merge.files.push_back(target.name_of(job.shard));
  }
  for (const located_index& index : model.indexes()) {
    if (grows(model, jobs, index)) merge.files.push_back(index.name);
  }
  return merge;
}

}  // namespace revlora::tool
