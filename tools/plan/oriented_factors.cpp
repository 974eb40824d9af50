#include "plan/oriented_factors.hpp"

#include <algorithm>

#include "console/text.hpp"

namespace revlora::tool {

namespace {

std::uint64_t elements_of_row(std::span<const std::uint64_t> shape) {
  std::uint64_t elements = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) elements *= shape[i];
  return elements;
}

/// Whether the two are the same matrix, once everything but their rows is flattened.
bool is_same_matrix(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) {
  return a[0] == b[0] && elements_of_row(a) == elements_of_row(b);
}

}  // namespace

factor_fit fit_of(const low_rank_update& update, std::span<const std::uint64_t> weight) {
  if (weight.size() < 2 || update.shape.size() < 2) return factor_fit::none;
  const bool same_extents = std::ranges::equal(weight, update.shape);
  const bool flattened =
      weight.size() != update.shape.size() && is_same_matrix(weight, update.shape);
  const bool plain = same_extents || flattened;
  const bool turned = update.kind == layer_kind::linear && !update.core && weight.size() == 2 &&
                      update.shape.size() == 2 && weight[0] == update.shape[1] &&
                      weight[1] == update.shape[0];
  if (plain) return turned ? factor_fit::either : factor_fit::as_they_are;
  return turned ? factor_fit::transposed : factor_fit::none;
}

std::string reason_of_misfit(const low_rank_update& update, std::span<const std::uint64_t> weight) {
  const bool is_convolution = update.shape.size() > 2 && weight.size() == update.shape.size();
  if (is_convolution && weight[1] != 0 && weight[0] == update.shape[0] &&
      weight[1] < update.shape[1] && update.shape[1] % weight[1] == 0 &&
      std::equal(weight.begin() + 2, weight.end(), update.shape.begin() + 2)) {
    return ", which is that of a grouped or depthwise convolution: of what B·A has for the other "
           "groups it has no place";
  }
  return "";
}

factor_source oriented(const low_rank_update& update, bool is_transposed, std::size_t adapter,
                       float strength) {
  if (!is_transposed) return {adapter, update.b, update.a, update.core, strength};
  return {adapter, update.a.transposed(), update.b.transposed(), {}, strength};
}

std::string describe_factors(const low_rank_update& update) {
  const auto shape_of = [](const stored_matrix& m) {
    const std::uint64_t shape[] = {m.rows, m.cols};
    return describe_shape(shape);
  };
  const std::string types =
      update.a.dtype == update.b.dtype ? update.a.dtype : update.a.dtype + " and " + update.b.dtype;
  return "rank " + std::to_string(update.b.cols) + ", A " + shape_of(update.a) + " and B " +
         shape_of(update.b) + " in " + types;
}

}  // namespace revlora::tool
