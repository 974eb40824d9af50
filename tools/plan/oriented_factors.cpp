#include "plan/oriented_factors.hpp"

#include <algorithm>

#include "console/text.hpp"
#include "revlora/low_rank.hpp"

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

oriented_factors load(const stored_adapter& from, const low_rank_factors& stored,
                      const orientation& where, float strength) {
  const std::ptrdiff_t out = where.transposed ? where.cols : where.rows;
  const std::ptrdiff_t in = where.transposed ? where.rows : where.cols;
  const auto rank = static_cast<std::ptrdiff_t>(stored.rank());
  std::vector<std::vector<std::byte>> bytes = {from.bytes_of(stored.b), from.bytes_of(stored.a)};
  const any_const_matrix b(bytes[0].data(), stored.b.type, out, rank);
  const any_const_matrix a(bytes[1].data(), stored.a.type, rank, in);
  const low_rank update(b, a, strength);
  return {std::move(bytes), where.transposed ? update.transposed() : update};
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

oriented_factors load_factors(const stored_adapter& from, const adapter_update& update,
                              const orientation& where, float strength) {
  return std::visit([&](const auto& factors) { return load(from, factors, where, strength); },
                    update.factors);
}

}  // namespace revlora::tool
