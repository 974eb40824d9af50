#include "verbs/unmerge_model.hpp"

#include <algorithm>
#include <iostream>
#include <map>

#include "checkpoint/destination.hpp"
#include "console/interruption.hpp"
#include "console/progress.hpp"
#include "console/report.hpp"
#include "console/text.hpp"
#include "formats/formats.hpp"
#include "plan/plan.hpp"
#include "revlora/error.hpp"
#include "revlora/fingerprint.hpp"
#include "revlora/merge.hpp"
#include "undo/found_undo.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> adapter_paths(const undo_file& undo, const unmerge_request& request) {
  if (!request.adapters.empty()) {
    if (request.adapters.size() != undo.adapters.size()) {
      throw problem("the undo file has " + std::to_string(undo.adapters.size()) +
                    " adapters, --adapter names " + std::to_string(request.adapters.size()));
    }
    return request.adapters;
  }
  std::vector<fs::path> paths;
  for (const merged_adapter& adapter : undo.adapters) {
    std::error_code ignored;
    if (!fs::exists(adapter.path, ignored)) {
      throw problem("the adapter " + quoted(adapter.path) +
                    " is not there: say where it is now with --adapter");
    }
    paths.push_back(adapter.path);
  }
  return paths;
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

/// What to restore, by shard. Refuses adapters that change other tensors than those of the merge.
std::map<std::size_t, std::vector<restoration>> restorations(const merge_plan& plan,
                                                             const undo_file& undo,
                                                             const model_state& state) {
  std::map<std::string_view, const planned_tensor*> by_name;
  for (const planned_tensor& planned : plan.tensors()) by_name.emplace(planned.name, &planned);
  std::map<std::size_t, std::vector<restoration>> by_shard;
  for (std::size_t i = 0; i < undo.tensors.size(); ++i) {
    if (state.tensors[i] != tensor_state::merged) continue;
    const std::string& name = undo.tensors[i].name;
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      throw problem("other adapters than those that were merged: none changes " + quoted(name));
    }
    const planned_tensor& planned = *found->second;
    const undo_record& record = undo.tensors[i].record;
    if (planned.updates.size() != record.fingerprints().size()) {
      throw problem("other adapters than those that were merged: " + quoted(name) + " had " +
                    std::to_string(record.fingerprints().size()) + ", not " +
                    std::to_string(planned.updates.size()));
    }
    by_shard[planned.shard].push_back({&planned, &record});
  }
  return by_shard;
}

/// Why the library refuses to restore a tensor, by the paths that the user knows.
problem explained(const record_refused& error, const restoration& wanted,
                  const std::vector<adapter>& given, const std::vector<fs::path>& paths) {
  const std::string name = quoted(wanted.planned->name);
  const auto fingerprints = wanted.record->fingerprints();
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (fingerprint(given[i]) == fingerprints[i]) continue;
    return problem(quoted(paths[wanted.planned->updates[i].adapter]) +
                   " is not the adapter that was merged, or it was changed since (" + name +
                   " does not fit)");
  }
  return problem(name + ": " + error.what());
}

/// The bytes of a tensor at the base.
std::vector<std::byte> restored(const restoration& wanted, const merge_plan& plan,
                                const checkpoint& model, const std::vector<fs::path>& paths) {
  const planned_tensor& planned = *wanted.planned;
  const auto factors = plan.factors_of(planned);
  const auto given = views_of(factors);
  std::vector<std::byte> bytes = model.bytes_of({planned.shard, planned.entry});
  try {
    unmerge(planned.shape.over(bytes), given, *wanted.record);
  } catch (const record_refused& error) {
    throw explained(error, wanted, given, paths);
  }
  return bytes;
}

}  // namespace

unmerge_result unmerge_model(const unmerge_request& request) {
  model_place where = find_model(request.model);
  const folder_lock lock(where.home, file::lock_kind::exclusive);
  remove_left_overs(where.home);
  const checkpoint model(std::move(where));
  found_undo found(request.undo, model);
  const undo_file& undo = found.content();
  const model_state& state = found.state();
  if (state.any(tensor_state::other)) {
    throw problem(quoted(state.first(tensor_state::other, undo).name) +
                  " is neither merged nor at the base, says " + quoted(found.path()) +
                  ": it was changed since, or is of another model");
  }
  if (state.any(tensor_state::base) && !state.any(tensor_state::merged)) {
    throw problem(quoted(model.path()) + " is already at the base");
  }

  unmerge_result result;
  result.model = model.path();
  result.undo = found.path();
  result.at_the_base = static_cast<std::size_t>(
      std::count_if(state.tensors.begin(), state.tensors.end(),
                    [](tensor_state each) { return each != tensor_state::merged; }));
  if (!state.any(tensor_state::merged)) return result;  // that merge changed nothing

  const auto paths = adapter_paths(undo, request);
  const auto adapters = read_adapters(paths);
  const merge_plan plan(model, adapters, strengths_of(undo));
  const auto by_shard = restorations(plan, undo, state);
  destination target(model, {}, request.force);
  progress bar("unmerging", plan.weight_bytes());
  for (const auto& [shard, wanted] : by_shard) {
    // Each factor is read and fingerprinted once, when its tensor is restored. An adapter of which
    // only a part is another one is found out on the way, and takes the copies with it that were
    // made so far; any other, by the first tensor, before there is a copy.
    const file* copy = nullptr;
    for (const restoration& each : wanted) {
      stop_if_interrupted();
      const auto bytes = restored(each, plan, model, paths);
      if (copy == nullptr) copy = &target.begin(shard);
      copy->write(bytes, each.planned->entry.begin);
      bar.advance(bytes.size());
      ++result.restored;
    }
  }
  target.finish();
  target.publish();
  try {
    target.flush();
    found.remember(target.identities(), model, request.force);
  } catch (const std::exception& error) {  // whatever it is, the model is at the base
    result.trouble = reason_of(error);
  }
  return result;
}

exit_status run_unmerge(const unmerge_request& request) {
  const unmerge_result result = unmerge_model(request);
  return report_done("the model is at the base", result.trouble, [&] {
    std::cout << "restored " << counted(result.restored, "tensor") << " of "
              << printable(result.model);
    if (result.at_the_base > 0) {
      std::cout << "; " << result.at_the_base << " were at the base already";
    }
    std::cout << "\nby the undo file " << printable(result.undo) << '\n';
  });
}

}  // namespace revlora::tool
