#include "plan/plan.hpp"

#include "plan/adapter_plan.hpp"

namespace revlora::tool {

merge_plan::merge_plan(const checkpoint& model, const std::vector<stored_adapter>& adapters,
                       const plan_options& options) {
  const model_names names(model);
  const orientation_evidence evidence(model);
  planned_tensors planned(model);
  for (std::size_t i = 0; i < adapters.size(); ++i) {
    plan_adapter(names, evidence, adapters[i], i, options, planned, notes_);
  }
  tensors_ = planned.take();
}

}  // namespace revlora::tool
