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
#include "revlora/merge.hpp"
#include "undo/found_undo.hpp"

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
    std::error_code ignored;
    if (!fs::exists(adapter.path, ignored)) {
      throw problem("the adapter " + quoted(adapter.path) +
                    " is not there: say where it is now with --adapter");
    }
    folders.push_back(adapter.path);
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
    throw problem("other adapters than those that were merged: " + quoted(name) + " had " +
                  std::to_string(fingerprints.size()) + ", not " + std::to_string(factors.size()));
  }
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (fingerprint(factors[i].view()) == fingerprints[i]) continue;
    throw problem(quoted(folders[wanted.planned->updates[i].adapter]) +
                  " is not the adapter that was merged, or it was changed since (" + quoted(name) +
                  " does not fit)");
  }
}

/// What to restore, by shard.
std::map<std::size_t, std::vector<restoration>> restorations(const merge_plan& plan,
                                                             const undo_file& undo,
                                                             const model_state& state,
                                                             const std::vector<fs::path>& folders) {
  std::map<std::string_view, const planned_tensor*> by_name;
  for (const planned_tensor& planned : plan.tensors()) by_name.emplace(planned.name, &planned);
  std::map<std::size_t, std::vector<restoration>> by_shard;
  for (std::size_t i = 0; i < undo.tensors.size(); ++i) {
    if (state.tensors[i] != tensor_state::merged) continue;
    const std::string& name = undo.tensors[i].name;
    const auto planned = by_name.find(name);
    if (planned == by_name.end()) {
      throw problem("other adapters than those that were merged: none changes " + quoted(name));
    }
    stop_if_interrupted();
    const restoration wanted{planned->second, &undo.tensors[i].record};
    check_fingerprints(plan, wanted, folders);
    by_shard[wanted.planned->shard].push_back(wanted);
  }
  return by_shard;
}

void restore(const restoration& wanted, const merge_plan& plan, const file& copy) {
  const tensor& entry = wanted.planned->entry;
  const auto factors = plan.factors_of(*wanted.planned);
  std::vector<std::byte> bytes(entry.size_bytes());
  copy.read(bytes, entry.begin);
  try {
    with_matrix(bytes, wanted.planned->shape,
                [&](auto weights) { unmerge(weights, views_of(factors), *wanted.record); });
  } catch (const record_refused& error) {
    throw problem(quoted(entry.name) + ": " + error.what());
  }
  copy.write(bytes, entry.begin);
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

  const auto folders = adapter_folders(undo, request);
  const auto adapters = read_adapters(folders);
  const merge_plan plan(model, adapters, strengths_of(undo));
  const auto by_shard = restorations(plan, undo, state, folders);
  destination target(model, {}, request.force);
  progress bar("unmerging", plan.weight_bytes());
  for (const auto& [shard, wanted] : by_shard) {
    const file& copy = target.begin(shard);
    for (const restoration& each : wanted) {
      stop_if_interrupted();
      restore(each, plan, copy);
      bar.advance(each.planned->entry.size_bytes());
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
