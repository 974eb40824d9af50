#include "demo/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "revlora/adapter.hpp"

namespace revlora::tool {

namespace {

struct layout {
  int mantissa_bits;
  int smallest_exponent;
};

layout layout_of(element_type type) {
  switch (type) {
    case element_type::fp16:
      return {10, -14};
    case element_type::bf16:
      return {7, -126};
    case element_type::e4m3:
      return {3, -6};
    case element_type::e5m2:
      return {2, -14};
    case element_type::fp32:
      break;
  }
  return {23, -126};
}

double value_at(const any_const_matrix& m, std::ptrdiff_t row, std::ptrdiff_t col) {
  const std::ptrdiff_t at = row * m.row_stride() + col * m.col_stride();
  const auto as = [&]<class T>(const T* elements) { return static_cast<float>(elements[at]); };
  switch (m.type()) {
    case element_type::fp32:
      return as(static_cast<const float*>(m.data()));
    case element_type::fp16:
      return as(static_cast<const f16*>(m.data()));
    case element_type::bf16:
      return as(static_cast<const bf16*>(m.data()));
    case element_type::e4m3:
      return as(static_cast<const e4m3*>(m.data()));
    case element_type::e5m2:
      return as(static_cast<const e5m2*>(m.data()));
  }
  throw problem("numbers of an unknown type");
}

/// In row-major order.
std::vector<double> values_of(const any_const_matrix& m) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(m.rows() * m.cols()));
  for (std::ptrdiff_t i = 0; i < m.rows(); ++i) {
    for (std::ptrdiff_t j = 0; j < m.cols(); ++j) values.push_back(value_at(m, i, j));
  }
  return values;
}

double unit_in_last_place(double value, element_type type) {
  const auto [mantissa_bits, smallest_exponent] = layout_of(type);
  const int exponent = value == 0 ? smallest_exponent : std::ilogb(value);
  return std::ldexp(1.0, std::max(exponent, smallest_exponent) - mantissa_bits);
}

/// Of each row.
std::vector<double> norms_of_rows(const any_const_matrix& m) {
  std::vector<double> norms;
  for (std::ptrdiff_t i = 0; i < m.rows(); ++i) {
    double sum = 0;
    for (std::ptrdiff_t j = 0; j < m.cols(); ++j) sum += std::pow(value_at(m, i, j), 2);
    norms.push_back(std::sqrt(sum));
  }
  return norms;
}

/// s · ‖row of B‖ · ‖column of A‖ for each weight, summed over the adapters.
std::vector<double> magnitudes_of(const std::vector<stored_adapter>& adapters,
                                  const planned_tensor& planned) {
  const auto shape = *matrix_of(planned.entry.dtype, planned.entry.shape);
  const auto cols = static_cast<std::size_t>(shape.cols);
  std::vector<double> magnitudes(static_cast<std::size_t>(shape.rows) * cols, 0.0);
  for (const planned_update& each : planned.updates) {
    const loaded_factors factors = load(adapters[each.factors.adapter].files, each.factors);
    const low_rank view = factors.view();
    const auto rows_of_b = norms_of_rows(view.factor(0));
    const auto columns_of_a = norms_of_rows(view.factor(1).transposed());
    for (std::size_t i = 0; i < magnitudes.size(); ++i) {
      magnitudes[i] += std::abs(view.strength()) * rows_of_b[i / cols] * columns_of_a[i % cols];
    }
  }
  return magnitudes;
}

std::vector<std::byte> bytes_in(const checkpoint& model, const std::string& name) {
  const located_tensor* const located = model.find(name);
  if (located == nullptr) throw problem(quoted(name) + " is missing in " + quoted(model.path()));
  return model.bytes_of(*located);
}

}  // namespace

agreement compare_with_peft(const checkpoint& base, const checkpoint& merged,
                            const std::filesystem::path& merged_by_peft, const merge_plan& plan,
                            const std::vector<stored_adapter>& adapters) {
  const checkpoint peft(merged_by_peft);
  agreement result;
  for (const planned_tensor& planned : plan.tensors()) {
    const auto shape = *matrix_of(planned.entry.dtype, planned.entry.shape);
    const element_type type = shape.type;
    auto base_bytes = bytes_in(base, planned.name);
    auto our_bytes = bytes_in(merged, planned.name);
    auto their_bytes = bytes_in(peft, planned.name);
    const auto before = values_of(shape.over(base_bytes));
    const auto ours = values_of(shape.over(our_bytes));
    const auto theirs = values_of(shape.over(their_bytes));
    const auto magnitudes = magnitudes_of(adapters, planned);
    const std::size_t size = size_of(type);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      ++result.weights;
      if (std::equal(&our_bytes[i * size], &our_bytes[i * size] + size, &their_bytes[i * size])) {
        ++result.equal;
        continue;
      }
      const double difference = std::abs(ours[i] - theirs[i]);
      const double larger = std::max(std::abs(before[i]), std::abs(ours[i]));
      const double allowed = unit_in_last_place(larger, type) + std::ldexp(magnitudes[i], -21);
      const double share = difference / allowed;
      result.largest_difference = std::max(result.largest_difference, difference);
      // A NaN on one side only is no agreement.
      result.largest_share =
          std::max(result.largest_share,
                   std::isnan(share) ? std::numeric_limits<double>::infinity() : share);
    }
  }
  for (const auto& entry : base.tensors()) {
    const std::string& name = entry.first;
    const bool touched = std::any_of(plan.tensors().begin(), plan.tensors().end(),
                                     [&](const auto& planned) { return planned.name == name; });
    if (touched) continue;
    result.others_equal =
        result.others_equal && std::ranges::equal(bytes_in(merged, name), bytes_in(peft, name));
  }
  return result;
}

}  // namespace revlora::tool
