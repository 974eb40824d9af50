#include "plan/plan.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "plan/tensor_names.hpp"

namespace revlora::tool {

namespace {

float rounded_strength(double scale, double strength, const std::string& where) {
  const auto rounded = static_cast<float>(scale * strength);
  if (!std::isfinite(rounded)) throw problem(where + "the strength is not a finite number");
  return rounded;
}

planned_tensor without_updates(const located_tensor& located) {
  const tensor& entry = located.entry;
  if (!entry.type()) {
    throw problem("the tensor " + quoted(entry.name) + " is " + entry.dtype +
                  ": only F32, F16 and BF16 weights can be merged into");
  }
  return {entry.name, located.shard, entry, {*entry.type(), 0, 0}, {}};
}

}  // namespace

merge_plan::merge_plan(const checkpoint& model, const std::vector<stored_adapter>& adapters,
                       const std::vector<double>& strengths)
    : adapters_(adapters) {
  std::map<std::string, planned_tensor> planned;
  for (std::size_t i = 0; i < adapters.size(); ++i) {
    const auto names = match_names(model, adapters[i]);
    for (const adapter_update& update : adapters[i].updates) {
      const std::string where = quoted(adapters[i].path) + ": " + quoted(update.module) + ": ";
      const located_tensor& located = *model.find(names.at(update.module));
      planned_tensor& tensor =
          planned.try_emplace(located.entry.name, without_updates(located)).first->second;
      const auto fit = orient(update, located.entry);
      if (!fit) {
        throw problem(where + describe_factors(update) + ": they do not fit the weight " +
                      describe_shape(located.entry.shape));
      }
      if (!tensor.updates.empty() && tensor.updates.back().adapter == i) {
        throw problem(where + "two modules of the adapter match " + quoted(tensor.name));
      }
      tensor.shape.rows = fit->rows;
      tensor.shape.cols = fit->cols;
      tensor.updates.push_back(
          {i, &update, *fit, rounded_strength(update.scale, strengths[i], where)});
    }
  }
  for (auto& [name, tensor] : planned) tensors_.push_back(std::move(tensor));
  std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.shard, a.entry.begin) < std::tie(b.shard, b.entry.begin);
  });
}

std::uint64_t merge_plan::weight_bytes() const {
  std::uint64_t sum = 0;
  for (const planned_tensor& planned : tensors_) sum += planned.entry.size_bytes();
  return sum;
}

std::uint64_t merge_plan::weight_count() const {
  std::uint64_t sum = 0;
  for (const planned_tensor& planned : tensors_) sum += planned.entry.element_count();
  return sum;
}

std::vector<oriented_factors> merge_plan::factors_of(const planned_tensor& planned) const {
  std::vector<oriented_factors> factors;
  for (const planned_update& each : planned.updates) {
    factors.push_back(
        load_factors(adapters_[each.adapter], *each.update, each.where, each.strength));
  }
  return factors;
}

std::vector<adapter> views_of(const std::vector<oriented_factors>& factors) {
  std::vector<adapter> views;
  for (const oriented_factors& each : factors) views.push_back(each.view);
  return views;
}

}  // namespace revlora::tool
