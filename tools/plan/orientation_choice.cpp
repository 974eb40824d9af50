#include "plan/orientation_choice.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"
#include "plan/oriented_factors.hpp"

namespace revlora::tool {

namespace {

[[noreturn]] void refuse_square(const std::string& where, const std::string& what) {
  throw problem(where + what +
                ": say --fan-in-fan-out no for layers of torch's class Linear, or yes for those of "
                "Conv1D, and for stacks of experts that lie as [in, out]");
}

}  // namespace

void orientation_choice::learn(const update_piece& piece) {
  const factor_fit fit = fit_of(piece.update, piece.shape);
  const bool is_linear = piece.update.kind == layer_kind::linear && piece.shape.size() == 2;
  if (!is_linear || fit == factor_fit::none || fit == factor_fit::either) return;
  evidence_.learn(*piece.at.tensor, fit == factor_fit::transposed);
}

bool orientation_choice::is_transposed(const update_piece& piece, const std::string& where) {
  const std::string& tensor = *piece.at.tensor;
  const factor_fit fit = fit_of(piece.update, piece.shape);
  if (fit == factor_fit::none) {
    throw problem(where + describe_factors(piece.update) + ": they do not fit the weight " +
                  describe_shape(piece.shape) + reason_of_misfit(piece.update, piece.shape));
  }
  if (fit != factor_fit::either) return fit == factor_fit::transposed;
  if (piece.update.rows) return false;
  if (wish_) return *wish_;
  const auto flag = piece.update.fan_in_fan_out;
  if (const auto verdict = evidence_.of(tensor)) {
    if (flag && *flag != verdict->is_transposed) {
      auto& corrected = corrected_[verdict->is_transposed ? "[in, out]" : "[out, in]"];
      if (corrected.weights++ == 0) corrected.reason = quoted(tensor) + " " + verdict->reason;
    }
    return verdict->is_transposed;
  }
  if (piece.at.expert_of_tensor) {
    refuse_square(where, "the experts' matrices in " + quoted(tensor) +
                             " are square, and nothing tells which way they lie");
  }
  if (flag.value_or(false)) {
    refuse_square(
        where,
        "its weight is square, and nothing tells which way it lies but the adapter's "
        "\"fan_in_fan_out\": true, which is only what its last module, or a recipe, left");
  }
  return false;
}

std::vector<std::string> orientation_choice::notes(const std::string& source) const {
  std::vector<std::string> all;
  for (const auto& [layout, corrected] : corrected_) {
    all.push_back(source + "\"fan_in_fan_out\" does not hold for " +
                  counted(corrected.weights, "square weight") + ", taken as " + layout + ": " +
                  corrected.reason);
  }
  return all;
}

}  // namespace revlora::tool
