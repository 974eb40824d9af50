#include "verbs/merged_model.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

bool has_all_factors(const undo_merge& merge) {
  for (const undo_shard& shard : merge.shards) {
    for (const undo_tensor& tensor : shard.tensors) {
      for (const kept_factors& each : tensor.factors) {
        if (!each.embedded) return false;
      }
    }
  }
  return true;
}

}  // namespace

void refuse_changed(const found_undo& found) {
  const model_state& state = found.state();
  if (!state.any(tensor_state::other)) return;
  throw problem(quoted(state.first(tensor_state::other).tensor->name) +
                " is neither merged nor at the base, says " + quoted(found.path()) +
                ": it was changed since, or is of another model");
}

bool is_laid_out_anew(const model_state& state) {
  return !state.texts.empty() || std::ranges::any_of(state.tensors, [](const auto& each) {
    return each.state == tensor_state::merged &&
           (each.tensor->is_new || each.tensor->shape != each.tensor->base_shape);
  });
}

std::vector<std::filesystem::path> moved_adapters(const undo_merge& merge,
                                                  const std::vector<std::filesystem::path>& asked) {
  const std::size_t merged = merge.adapters.size();
  if (!asked.empty() && asked.size() != merged) {
    throw problem("the undo file has " + counted(merged, "adapter") + ", --adapter names " +
                  std::to_string(asked.size()));
  }
  if (!asked.empty() && has_all_factors(merge)) {
    note("the undo file has the factors in it: what --adapter names is not read");
  }
  return asked;
}

std::vector<replaced_file> identities_of(const checkpoint& model, const exchange_jobs& jobs) {
  std::vector<replaced_file> files;
  for (const shard_job& job : jobs.shards) {
    files.push_back({model.shards()[job.shard], model.file_of(job.shard).content().status()});
  }
  return files;
}

void remember_restored(const found_undo& found, const std::vector<replaced_file>& merged,
                       const std::vector<file_identity>& restored, const common_options& common) {
  std::vector<file_identity> news;
  for (const undo_merge& merge : found.content().merges()) {
    for (const undo_shard& shard : merge.shards) {
      const auto was = std::ranges::find(merged, shard.identity.name, &replaced_file::name);
      const auto now = std::ranges::find(restored, shard.identity.name, &file_identity::name);
      if (was == merged.end() || now == restored.end()) continue;
      // Not if a copy of the merged file was restored, or if another name of it stays merged.
      if (!shard.identity.is_of(was->status) || was->status.system.st_nlink > 1) continue;
      news.push_back({now->name, now->device, now->inode, now->modified});
    }
  }
  if (!news.empty()) found.remember(news, common.force, common.sync);
}

}  // namespace revlora::tool
