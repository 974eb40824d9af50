#include "plan/stack_parameters.hpp"

#include <algorithm>
#include <set>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "plan/unmatched.hpp"

namespace revlora::tool {

namespace {

enum class stack_fit { none, transposed, exact };

const expert_stack_update* stack_of(const adapter_update& update) {
  return std::get_if<expert_stack_update>(&update.content);
}

/// What one expert of the matches looks like: `[out, in]` or the other way round.
std::vector<std::uint64_t> shape_of_one(const std::vector<weight_match>& matches) {
  const auto& shape = matches.front().at->entry.shape;
  if (!matches.front().expert_of_name) {
    return shape.size() == 3 ? std::vector{shape[1], shape[2]} : shape;
  }
  std::uint64_t rows = 0;
  for (const weight_match& each : matches) {
    const bool is_same_expert = each.expert_of_name == matches.front().expert_of_name;
    if (is_same_expert && !each.at->entry.shape.empty()) rows += each.at->entry.shape[0];
  }
  return shape.size() == 2 ? std::vector{rows, shape[1]} : shape;
}

stack_fit fit_of(const expert_stack_update& update, const std::vector<weight_match>& matches) {
  if (matches.empty()) return stack_fit::none;
  const auto shape = shape_of_one(matches);
  if (shape.size() != 2) return stack_fit::none;
  if (shape[0] == update.b.rows && shape[1] == update.a.cols) return stack_fit::exact;
  const bool is_turned = shape[1] == update.b.rows && shape[0] == update.a.cols;
  return is_turned ? stack_fit::transposed : stack_fit::none;
}

/// All ways to give each update of one module a parameter of its own.
class assignments {
 public:
  assignments(std::vector<const adapter_update*> updates, const weight_names& names,
              const std::string& source)
      : updates_(std::move(updates)) {
    for (const adapter_update* update : updates_) {
      auto& fits = fits_.emplace_back();
      for (const std::string& parameter : stack_of(*update)->parameters) {
        const auto matches =
            names.find(update->component, update->module, parameter, update->spelling, source);
        fits[parameter] = fit_of(*stack_of(*update), matches);
      }
    }
  }

  /// Nothing if no assignment fits so well; throws a problem if several do.
  std::vector<std::string> only_one(stack_fit least, const std::string& source) {
    least_ = least;
    solutions_.clear();
    std::vector<std::string> chosen;
    extend(chosen);
    if (solutions_.empty()) return {};
    if (solutions_.size() == 1) return solutions_.front();
    std::vector<std::string> parameters;
    for (const auto& [parameter, fit] : fits_.front()) parameters.push_back(parameter);
    throw problem(source + "the factors of " + quoted(updates_.front()->module) +
                  " fit its parameters " + listed(parameters) +
                  " in several ways, and PEFT's files do not say which is meant: save one adapter "
                  "for each of the target_parameters, and merge all");
  }

 private:
  void extend(std::vector<std::string>& chosen) {
    if (solutions_.size() == 2) return;
    if (chosen.size() == updates_.size()) {
      solutions_.push_back(chosen);
      return;
    }
    for (const auto& [parameter, fit] : fits_[chosen.size()]) {
      if (fit < least_ || std::ranges::find(chosen, parameter) != chosen.end()) continue;
      chosen.push_back(parameter);
      extend(chosen);
      chosen.pop_back();
    }
  }

  std::vector<const adapter_update*> updates_;
  std::vector<std::map<std::string, stack_fit>> fits_;
  stack_fit least_ = stack_fit::exact;
  std::vector<std::vector<std::string>> solutions_;
};

}  // namespace

std::map<const adapter_update*, std::string> find_parameters(const stored_adapter& adapter,
                                                             const weight_names& names,
                                                             const std::string& source) {
  // More parameters of one module than any model has would be a long search.
  constexpr std::size_t most_parameters = 6;
  std::map<std::string, std::vector<const adapter_update*>> by_module;
  for (const adapter_update& update : adapter.updates) {
    const expert_stack_update* stack = stack_of(update);
    if (stack == nullptr) continue;
    if (stack->parameters.empty() || stack->parameters.size() > most_parameters) {
      throw problem(source + quoted(update.module) +
                    ": adapter_config.json does not say which parameter of the module its factors "
                    "are of: it needs \"target_parameters\" with its name");
    }
    by_module[update.module].push_back(&update);
  }
  std::map<const adapter_update*, std::string> parameters;
  for (const auto& [module, updates] : by_module) {
    std::vector<std::string> chosen;
    if (updates.size() <= most_parameters) {
      assignments all(updates, names, source);
      chosen = all.only_one(stack_fit::exact, source);
      if (chosen.empty()) chosen = all.only_one(stack_fit::transposed, source);
    }
    for (std::size_t i = 0; i < updates.size(); ++i) {
      parameters[updates[i]] =
          chosen.empty() ? stack_of(*updates[i])->parameters.front() : chosen[i];
    }
  }
  return parameters;
}

}  // namespace revlora::tool
