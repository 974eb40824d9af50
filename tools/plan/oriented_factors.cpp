#include "plan/oriented_factors.hpp"

#include <algorithm>

#include "console/text.hpp"
#include "safetensors/typed_view.hpp"

namespace revlora::tool {

namespace {

/// Whether the product fits a weight as it is, and whether its transpose does.
struct fit {
  bool plain;
  bool turned;
};

fit fit_of(const low_rank_factors& factors, layer_kind kind,
           const std::vector<std::uint64_t>& weight) {
  const auto& a = factors.a.shape;
  const std::uint64_t out = factors.b.shape[0];
  if (weight.size() != a.size()) return {false, false};
  const bool same_tail = std::equal(a.begin() + 1, a.end(), weight.begin() + 1);
  return {kind != layer_kind::embedding && weight[0] == out && same_tail,
          kind != layer_kind::convolution && weight[0] == a[1] && weight[1] == out};
}

std::string describe(const low_rank_factors& factors) {
  return "rank " + std::to_string(factors.rank()) + ", A " + describe_shape(factors.a.shape) +
         " and B " + describe_shape(factors.b.shape) + " in " + name_of(factors.a.type);
}

}  // namespace

std::optional<orientation> orient(const adapter_update& update, const tensor& weight) {
  const auto [plain, turned] =
      std::visit([&](const auto& factors) { return fit_of(factors, update.kind, weight.shape); },
                 update.factors);
  const auto matrix = matrix_of(weight.dtype, weight.shape);
  if (!matrix || !(plain || turned)) return {};
  return orientation{matrix->rows, matrix->cols, turned && (!plain || update.fan_in_fan_out)};
}

std::string describe_factors(const adapter_update& update) {
  return std::visit([](const auto& factors) { return describe(factors); }, update.factors);
}

oriented_factors::oriented_factors(const stored_adapter& from, const low_rank_factors& factors,
                                   const orientation& where, float strength)
    : type_(factors.a.type),
      rank_(static_cast<std::ptrdiff_t>(factors.rank())),
      where_(where),
      strength_(strength),
      b_(from.bytes_of(factors.b)),
      a_(from.bytes_of(factors.a)) {
}

low_rank oriented_factors::view() const {
  std::optional<low_rank> view;
  with_element(type_, [&]<class T>() {
    const std::ptrdiff_t out = where_.transposed ? where_.cols : where_.rows,
                         in = where_.transposed ? where_.rows : where_.cols;
    view.emplace(matrix_view<const T>(reinterpret_cast<const T*>(b_.data()), out, rank_),
                 matrix_view<const T>(reinterpret_cast<const T*>(a_.data()), rank_, in), strength_);
  });
  return where_.transposed ? view->transposed() : *view;
}

}  // namespace revlora::tool
