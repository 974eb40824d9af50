#include "unmerge.hpp"

#include <algorithm>
#include <iostream>
#include <map>

#include "destination.hpp"
#include "plan.hpp"
#include "problem.hpp"
#include "progress.hpp"
#include "revlora/error.hpp"
#include "revlora/merge.hpp"
#include "undo_file.hpp"
#include "undo_state.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> adapter_folders(const undo_file& undo, const unmerge_request& request) {
  if (!request.adapters.empty()) {
    if (request.adapters.size() != undo.adapters.size()) {
      throw problem("the undo file has " + std::to_string(undo.adapters.size()) +
                    " adapters, --adapter names " + std::to_string(request.adapters.size()));
    }
    return request.adapters;
  }
  std::vector<fs::path> folders;
  for (const merged_adapter& adapter : undo.adapters) {
    if (!fs::exists(adapter.folder)) {
      throw problem("the adapter '" + adapter.folder.string() +
                    "' is not there: say where it is now with --adapter");
    }
    folders.push_back(adapter.folder);
  }
  return folders;
}

std::vector<double> strengths_of(const undo_file& undo) {
  std::vector<double> strengths;
  for (const merged_adapter& adapter : undo.adapters) strengths.push_back(adapter.strength);
  return strengths;
}

/// A tensor to restore, with all that it takes.
struct restoration {
  const planned_tensor* planned;
  const undo_record* record;
};

/// Refuses adapters that are not, bit for bit, those of the merge.
void check_fingerprints(const merge_plan& plan, const restoration& wanted,
                        const std::vector<fs::path>& folders) {
  const auto factors = plan.factors_of(*wanted.planned);
  const auto fingerprints = wanted.record->fingerprints();
  const std::string& name = wanted.planned->name;
  if (factors.size() != fingerprints.size()) {
    throw problem("other adapters than those that were merged: '" + name + "' had " +
                  std::to_string(fingerprints.size()) + ", not " + std::to_string(factors.size()));
  }
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (fingerprint(factors[i].view()) == fingerprints[i]) continue;
    throw problem("'" + folders[wanted.planned->updates[i].adapter].string() +
                  "' is not the adapter that was merged, or it was changed since ('" + name +
                  "' does not fit)");
  }
}

/// What to restore, by shard.
std::map<std::size_t, std::vector<restoration>> restorations(const merge_plan& plan,
                                                             const undo_file& undo,
                                                             const model_state& state,
                                                             const std::vector<fs::path>& folders) {
  std::map<std::size_t, std::vector<restoration>> by_shard;
  for (std::size_t i = 0; i < undo.tensors.size(); ++i) {
    if (state.tensors[i] != tensor_state::merged) continue;
    const std::string& name = undo.tensors[i].name;
    const auto planned =
        std::find_if(plan.tensors().begin(), plan.tensors().end(),
                     [&](const planned_tensor& candidate) { return candidate.name == name; });
    if (planned == plan.tensors().end()) {
      throw problem("other adapters than those that were merged: none changes '" + name + "'");
    }
    const restoration wanted{&*planned, &undo.tensors[i].record};
    check_fingerprints(plan, wanted, folders);
    by_shard[planned->shard].push_back(wanted);
  }
  return by_shard;
}

void restore(const restoration& wanted, const merge_plan& plan, const working_copy& copy) {
  const tensor& entry = wanted.planned->entry;
  const auto factors = plan.factors_of(*wanted.planned);
  try {
    with_matrix(copy.bytes().subspan(entry.begin, entry.size_bytes()), wanted.planned->shape,
                [&](auto weights) { unmerge(weights, views_of(factors), *wanted.record); });
  } catch (const record_refused& error) {
    throw problem("'" + entry.name + "': " + error.what());
  }
}

}  // namespace

unmerge_result unmerge_model(const unmerge_request& request) {
  if (!fs::exists(request.model)) {
    throw problem("'" + request.model.string() + "' does not exist");
  }
  const folder_lock lock(fs::is_directory(request.model) ? request.model : folder_of(request.model),
                         folder_lock::kind::exclusive);
  const checkpoint model(request.model);
  const fs::path undo_path = request.undo.value_or(model.default_undo_path());
  if (!fs::exists(undo_path)) {
    throw problem("there is no undo file '" + undo_path.string() +
                  "': name the one of this model with --undo");
  }
  const undo_file undo = undo_file::read(undo_path);
  const model_state state = compare(model, undo);
  if (state.any(tensor_state::other)) {
    throw problem("'" + state.first(tensor_state::other, undo).name +
                  "' is neither merged nor at the base, says '" + undo_path.string() +
                  "': it was changed since, or is of another model");
  }
  if (state.any(tensor_state::base) && !state.any(tensor_state::merged)) {
    throw problem("'" + model.path().string() + "' is already at the base");
  }

  unmerge_result result;
  result.model = model.path();
  result.at_the_base = static_cast<std::size_t>(
      std::count_if(state.tensors.begin(), state.tensors.end(),
                    [](tensor_state each) { return each != tensor_state::merged; }));
  if (!state.any(tensor_state::merged)) return result;  // that merge changed nothing

  const auto folders = adapter_folders(undo, request);
  const auto adapters = load_adapters(folders);
  const merge_plan plan(model, adapters, strengths_of(undo));
  const auto by_shard = restorations(plan, undo, state, folders);
  destination target(model, {});
  progress bar("unmerging", plan.weight_bytes());
  for (const auto& [shard, wanted] : by_shard) {
    working_copy& copy = target.begin(shard);
    for (const restoration& each : wanted) {
      restore(each, plan, copy);
      bar.advance(each.planned->entry.size_bytes());
      ++result.restored;
    }
    copy.finish();
  }
  target.publish();
  return result;
}

void run_unmerge(const unmerge_request& request) {
  const unmerge_result result = unmerge_model(request);
  std::cout << "restored " << result.restored << " tensors of " << result.model.string();
  if (result.at_the_base > 0) {
    std::cout << "; " << result.at_the_base << " were at the base already";
  }
  std::cout << '\n';
}

}  // namespace revlora::tool
