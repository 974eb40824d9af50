#include "verbs/outlook.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "console/interruption.hpp"
#include "safetensors/dtype.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

namespace {

constexpr std::uint64_t rows_of_a_sample = 64;

tensor_outlook outlook_of(const planned_tensor& planned, const wanted_adapters& wanted,
                          const destination& target) {
  tensor_outlook outlook;
  outlook.file = target.name_of(planned.shard);
  outlook.name = planned.name;
  outlook.dtype = planned.entry.dtype;
  outlook.shape = planned.shape;
  outlook.is_replaced = planned.replacement || !planned.differences.empty();
  for (const planned_update& each : planned.updates) {
    outlook.updates.push_back(
        {wanted.adapters()[each.factors.adapter].path, each.factors.rank(), each.factors.strength});
  }
  return outlook;
}

double value_at(const std::vector<std::byte>& bytes, element_type type, std::size_t i) {
  const auto as = [&]<class Number>(Number number) {
    std::memcpy(&number, &bytes[i * sizeof number], sizeof number);
    return static_cast<double>(static_cast<float>(number));
  };
  switch (type) {
    case element_type::fp16:
      return as(f16{});
    case element_type::bf16:
      return as(bf16{});
    case element_type::e4m3:
      return as(e4m3{});
    case element_type::e5m2:
      return as(e5m2{});
    case element_type::fp32:
      break;
  }
  return as(float{});
}

/// The root of the mean square of an update's D: of its factors' Gram matrices, so that D is never
/// made. ‖BA‖² = Σ (BᵀB)∘(AAᵀ).
double norm_of(const loaded_factors& factors) {
  const std::uint64_t rank = factors.rank;
  std::vector<double> left(rank * rank, 0.0), right(rank * rank, 0.0), line(rank);
  const auto add = [&](std::vector<double>& gram) {
    for (std::uint64_t p = 0; p < rank; ++p) {
      for (std::uint64_t q = 0; q < rank; ++q) gram[p * rank + q] += line[p] * line[q];
    }
  };
  for (std::uint64_t row = 0; row < factors.rows; ++row) {
    for (std::uint64_t k = 0; k < rank; ++k) {
      line[k] = value_at(factors.b, factors.type, row * rank + k);
    }
    add(left);
  }
  for (std::uint64_t column = 0; column < factors.cols; ++column) {
    for (std::uint64_t k = 0; k < rank; ++k) {
      line[k] = value_at(factors.a, factors.type, k * factors.cols + column);
    }
    add(right);
  }
  double sum = 0;
  for (std::size_t i = 0; i < left.size(); ++i) sum += left[i] * right[i];
  const double elements = static_cast<double>(factors.rows) * static_cast<double>(factors.cols);
  return std::abs(factors.strength) * std::sqrt(std::max(sum, 0.0) / std::max(elements, 1.0));
}

double deviation_of(const std::vector<std::byte>& bytes, element_type type) {
  const std::size_t count = bytes.size() / size_of(type);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double value = value_at(bytes, type, i);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / static_cast<double>(count);
  return std::sqrt(std::max(squares / static_cast<double>(count) - mean * mean, 0.0));
}

struct tensor_estimate {
  double changed = 0;
  double record_bytes = 0;
  double factor_bytes = 0;
  std::optional<double> relative_size;
};

/// Of what a window costs, by its first rows.
tensor_estimate estimate_of(const checkpoint& model, std::size_t shard, const tensor_goal& goal) {
  tensor_estimate guess;
  const located_tensor* const now = model.find(goal.name);
  const std::uint64_t size = *size_of_dtype(goal.dtype);
  factor_shelf factors(goal.load);
  for (const kept_factors& each : goal.factors) {
    guess.factor_bytes +=
        static_cast<double>((each.rows + each.cols) * each.rank * size_of(each.type));
  }
  for (const goal_window& window : goal.windows) {
    stop_if_interrupted();
    const std::uint64_t elements = window.rows * window.cols;
    if (goal.replaces()) {
      guess.record_bytes += static_cast<double>(elements * size);
      guess.changed += static_cast<double>(elements);
    }
    if (window.updates.empty() || now == nullptr || elements == 0) continue;
    const goal_window sample{window.begin, std::min(window.rows, rows_of_a_sample), window.cols,
                             window.updates};
    const std::uint64_t there = now->entry.element_count();
    if (sample.begin + sample.rows * sample.cols > there) continue;
    std::vector<std::byte> bytes(sample.rows * sample.cols * size);
    model.file_of(shard).content().read(bytes, now->entry.begin + sample.begin * size);
    if (!guess.relative_size && type_of(goal.dtype)) {
      double squares = 0;
      for (const window_update& each : sample.updates) {
        squares += std::pow(norm_of(goal.load(each.factors)), 2);
      }
      guess.relative_size = std::sqrt(squares) / deviation_of(bytes, *type_of(goal.dtype));
    }
    tensor_goal alone;
    alone.name = goal.name;
    alone.dtype = goal.dtype;
    alone.recipe = goal.recipe;
    const reached_window reached = reach(bytes, alone, sample, factors);
    const double part = static_cast<double>(window.rows) / static_cast<double>(sample.rows);
    guess.changed += part * static_cast<double>(reached.window.changed);
    guess.record_bytes += part * static_cast<double>(reached.record.size_bytes());
  }
  return guess;
}

}  // namespace

merge_result outline_of(const checkpoint& model, const wanted_adapters& wanted,
                        const exchange_jobs& jobs, const destination& target) {
  merge_result result;
  result.model = target.path();
  result.notes = model.notes();
  const auto& planned_notes = wanted.plan().notes();
  result.notes.insert(result.notes.end(), planned_notes.begin(), planned_notes.end());
  for (const planned_tensor& planned : wanted.plan().tensors()) {
    result.tensors.push_back(outlook_of(planned, wanted, target));
    result.weights += element_count(planned.shape);
  }
  if (!target.is_in_place()) {
    result.disk_bytes = model.size_bytes();
  } else {
    for (const shard_job& job : jobs.shards) {
      result.disk_bytes = std::max(result.disk_bytes, model.file_of(job.shard).size_bytes());
    }
  }
  return result;
}

void estimate(const checkpoint& model, const exchange_jobs& jobs, bool embed,
              merge_result& result) {
  double changed = 0, records = 0, factors = 0;
  for (const shard_job& job : jobs.shards) {
    for (const auto& [name, wanted_tensor] : job.tensors) {
      if (!wanted_tensor.goal) continue;
      const tensor_estimate guess = estimate_of(model, job.shard, *wanted_tensor.goal);
      changed += guess.changed;
      records += guess.record_bytes;
      if (embed) factors += guess.factor_bytes;
      const auto outlook = std::ranges::find(result.tensors, name, &tensor_outlook::name);
      if (outlook != result.tensors.end()) outlook->relative_size = guess.relative_size;
    }
  }
  result.changed = static_cast<std::uint64_t>(changed);
  result.record_bytes = static_cast<std::uint64_t>(records);
  result.factor_bytes = static_cast<std::uint64_t>(factors);
  // Headers: some 200 bytes for a tensor.
  result.undo_bytes = result.record_bytes + result.factor_bytes + 200 * result.tensors.size();
  result.disk_bytes += result.undo_bytes;
}

void take_over(const exchange_result& done, merge_result& result) {
  result.changed = done.counts.changed;
  result.not_finite = done.counts.not_finite;
  result.adds_something = done.counts.adds_something;
  result.record_bytes = done.counts.record_bytes;
  result.factor_bytes = done.counts.factor_bytes;
  result.undo_bytes = done.undo_bytes;
  result.trouble = done.trouble;
}

}  // namespace revlora::tool
