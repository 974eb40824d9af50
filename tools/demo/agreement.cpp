#include "demo/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "safetensors/typed_view.hpp"

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
    default:
      return {23, -126};
  }
}

double value_of(float number) {
  return number;
}

double value_of(bf16 number) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(number.bits) << 16);
}

double value_of(f16 number) {
  const double sign = (number.bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = (number.bits >> 10) & 31;
  const int mantissa = number.bits & 1023;
  if (exponent == 31) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  return sign *
         (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
}

std::vector<double> values_of(std::vector<std::byte> bytes, const matrix_shape& shape) {
  std::vector<double> values;
  with_matrix(bytes, shape, [&](auto matrix) {
    values.reserve(static_cast<std::size_t>(shape.rows * shape.cols));
    for (std::ptrdiff_t i = 0; i < shape.rows * shape.cols; ++i) {
      values.push_back(value_of(matrix.data[i]));
    }
  });
  return values;
}

double unit_in_last_place(double value, element_type type) {
  const auto [mantissa_bits, smallest_exponent] = layout_of(type);
  const int exponent = value == 0 ? smallest_exponent : std::ilogb(value);
  return std::ldexp(1.0, std::max(exponent, smallest_exponent) - mantissa_bits);
}

/// s · ‖row of B‖ · ‖column of A‖ for each weight, summed over the adapters.
std::vector<double> magnitudes_of(const merge_plan& plan, const planned_tensor& planned) {
  const auto cols = static_cast<std::size_t>(planned.shape.cols);
  std::vector<double> magnitudes(static_cast<std::size_t>(planned.shape.rows) * cols, 0.0);
  for (const oriented_factors& factors : plan.factors_of(planned)) {
    const low_rank view = factors.view();
    std::vector<double> rows(static_cast<std::size_t>(planned.shape.rows), 0.0);
    std::vector<double> columns(cols, 0.0);
    with_element(view.type(), [&]<class T>() {
      const auto* const b = static_cast<const T*>(view.b().data);
      const auto* const a = static_cast<const T*>(view.a().data);
      const auto rank = static_cast<std::size_t>(view.rank());
      for (std::size_t i = 0; i < rows.size() * rank; ++i) {
        rows[i / rank] += std::pow(value_of(b[i]), 2);
      }
      for (std::size_t i = 0; i < rank * cols; ++i)
        columns[i % cols] += std::pow(value_of(a[i]), 2);
    });
    for (std::size_t i = 0; i < magnitudes.size(); ++i) {
      magnitudes[i] += std::abs(view.strength()) * std::sqrt(rows[i / cols] * columns[i % cols]);
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
                            const std::filesystem::path& merged_by_peft, const merge_plan& plan) {
  const checkpoint peft(merged_by_peft);
  agreement result;
  for (const planned_tensor& planned : plan.tensors()) {
    const element_type type = planned.shape.type;
    const auto before = values_of(bytes_in(base, planned.name), planned.shape);
    const auto our_bytes = bytes_in(merged, planned.name);
    const auto their_bytes = bytes_in(peft, planned.name);
    const auto ours = values_of(our_bytes, planned.shape);
    const auto theirs = values_of(their_bytes, planned.shape);
    const auto magnitudes = magnitudes_of(plan, planned);
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
