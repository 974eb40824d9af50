// The adapters that a merge or a swap is asked for, and what they are to change.
#pragma once

#include <vector>

#include "checkpoint/destination.hpp"
#include "exchange/model_exchange.hpp"
#include "formats/stored_adapter.hpp"
#include "plan/plan.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool {

class wanted_adapters {
 public:
  /// Reads them and makes the plan. `merged` says what is merged now; null: nothing is. Throws a
  /// problem if one cannot be merged.
  wanted_adapters(const checkpoint& model, const std::vector<adapter_request>& requests,
                  const merge_options& how, const model_state* merged = nullptr);
  wanted_adapters(const wanted_adapters&) = delete;

  const std::vector<stored_adapter>& adapters() const { return adapters_; }
  const std::vector<double>& strengths() const { return strengths_; }
  const merge_plan& plan() const { return plan_; }

  /// As an undo file says it, with the files that are to be changed.
  undo_merge as_merge(const checkpoint& model, const destination& target,
                      const exchange_jobs& jobs) const;

 private:
  std::vector<stored_adapter> adapters_;
  std::vector<double> strengths_;
  merge_plan plan_;
};

}  // namespace revlora::tool
