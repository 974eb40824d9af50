#include "console/problem.hpp"
#include "console/text.hpp"
#include "undo/found_undo.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool {

namespace {

model_condition condition_of(tensor_state state) {
  switch (state) {
    case tensor_state::base:
      return model_condition::base;
    case tensor_state::merged:
    case tensor_state::both:
      return model_condition::merged;
    case tensor_state::other:
      break;
  }
  return model_condition::changed;
}

model_condition condition_of(const model_state& state) {
  if (state.any(tensor_state::other)) return model_condition::changed;
  if (state.is_base()) return model_condition::base;
  return state.is_merged() ? model_condition::merged : model_condition::partly_merged;
}

}  // namespace

verify_result verify_model(const verify_request& request) {
  const model_place where = find_model(request.model);
  const folder_lock lock(where.home, file::lock_kind::shared);
  const checkpoint model(request.model, request.common.weights);
  const found_undo found(request.undo, model);
  verify_result result;
  result.model = model.path();
  result.undo = found.path();
  result.condition = condition_of(found.state());
  result.since = found.state().merge->time;
  for (const merged_adapter& each : found.state().merge->adapters) {
    result.adapters.push_back({each.path, each.strength});
  }
  for (const tensor_condition& each : found.state().tensors) {
    result.tensors.push_back(
        {each.shard->identity.name, each.tensor->name, condition_of(each.state)});
  }
  return result;
}

}  // namespace revlora::tool
