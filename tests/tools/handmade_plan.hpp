// Adapters without a format, and what a plan makes of a model, by the definitions and in double
// precision.
#pragma once

#include <map>
#include <utility>

#include "plan/plan.hpp"
#include "support.hpp"

namespace revlora::tool::test {

/// A model and adapters for it in a temporary folder.
class Plan : public testing::Test {
 protected:
  /// Tensors of the given shapes, whose numbers count on from 1.
  void make_model(const std::vector<std::pair<std::string, std::vector<int>>>& tensors,
                  const std::string& config = "") {
    std::vector<handmade_tensor> made;
    float next = 1;
    for (const auto& [name, shape] : tensors) {
      handmade_tensor tensor{name, shape, {}};
      int count = 1;
      for (const int extent : shape) count *= extent;
      for (int i = 0; i < count; ++i) tensor.values.push_back(next++);
      base_[name] = tensor.values;
      made.push_back(std::move(tensor));
    }
    write(folder_ / "model/model.safetensors", safetensors(made));
    if (!config.empty()) write(folder_ / "model/config.json", config);
  }

  struct numbers {
    stored_matrix matrix;
    std::vector<float> values;
  };
  /// A matrix in the adapter's file: numbers that no other has.
  numbers matrix(std::uint64_t rows, std::uint64_t cols) {
    numbers made;
    for (std::uint64_t i = 0; i < rows * cols; ++i) {
      seed_ = seed_ * 1103515245 + 12345;
      made.values.push_back(static_cast<float>(seed_ >> 16 & 15) - 8);
    }
    made.matrix = file_matrix(made.values, rows, cols);
    return made;
  }
  stored_matrix file_matrix(const std::vector<float>& values, std::uint64_t rows,
                            std::uint64_t cols) {
    const std::uint64_t begin = bytes_.size();
    bytes_.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
    return {0, "F32", begin, rows, cols, cols, 1};
  }

  /// Adds an update of rank 2, and returns B·A, row by row.
  std::vector<double> add_linear(const std::string& module, std::uint64_t out, std::uint64_t in,
                                 std::optional<bool> fan_in_fan_out = {}) {
    const numbers b = matrix(out, 2), a = matrix(2, in);
    low_rank_update update;
    update.shape = {out, in};
    update.b = b.matrix;
    update.a = a.matrix;
    update.fan_in_fan_out = fan_in_fan_out;
    updates_.push_back({.module = module, .content = update});
    return product(b.values, a.values, out, 2, in);
  }

  static std::vector<double> product(const std::vector<float>& b, const std::vector<float>& a,
                                     std::uint64_t rows, std::uint64_t rank, std::uint64_t cols) {
    std::vector<double> d(rows * cols);
    for (std::uint64_t i = 0; i < rows; ++i) {
      for (std::uint64_t j = 0; j < cols; ++j) {
        for (std::uint64_t k = 0; k < rank; ++k) {
          d[i * cols + j] += static_cast<double>(b[i * rank + k]) * a[k * cols + j];
        }
      }
    }
    return d;
  }
  static std::vector<double> transposed(const std::vector<double>& d, std::uint64_t rows) {
    const std::uint64_t cols = d.size() / rows;
    std::vector<double> turned(d.size());
    for (std::uint64_t i = 0; i < rows; ++i) {
      for (std::uint64_t j = 0; j < cols; ++j) turned[j * rows + i] = d[i * cols + j];
    }
    return turned;
  }

  /// What the plan of the adapter makes of the model: of each tensor that changes how much is
  /// added.
  std::map<std::string, std::vector<double>> changes(plan_options options = {.strengths = {1.0}}) {
    write(folder_ / "adapter/numbers", bytes_);
    adapter_files files(folder(folder_ / "adapter"));
    files.open("numbers");
    std::vector<stored_adapter> adapters;
    adapters.push_back({.path = folder_ / "adapter",
                        .description = "handmade",
                        .updates = updates_,
                        .unused = unused_,
                        .files = std::move(files)});
    const checkpoint model(folder_ / "model");
    const merge_plan plan(model, adapters, options);
    notes_ = plan.notes();
    planned_ = plan.tensors();
    std::map<std::string, std::vector<double>> result;
    for (const planned_tensor& tensor : plan.tensors()) {
      auto& d = result[tensor.name];
      d.resize(elements(tensor.shape));
      for (const planned_update& each : tensor.updates) add(adapters.front(), each, d);
    }
    return result;
  }

  std::string all_notes() const {
    std::string all;
    for (const std::string& each : notes_) all += each + "\n";
    return all;
  }
  const planned_tensor& planned(const std::string& name) const {
    return *std::ranges::find(planned_, name, &planned_tensor::name);
  }
  std::string refusal(plan_options options = {.strengths = {1.0}}) {
    return message_of([&] { changes(options); });
  }

  temporary_folder folder_;
  std::vector<adapter_update> updates_;
  std::vector<unused_part> unused_;
  std::vector<std::string> notes_;
  std::vector<planned_tensor> planned_;
  std::map<std::string, std::vector<float>> base_;

 private:
  static std::uint64_t elements(const std::vector<std::uint64_t>& shape) {
    std::uint64_t count = 1;
    for (const std::uint64_t extent : shape) count *= extent;
    return count;
  }
  static void add(const stored_adapter& adapter, const planned_update& update,
                  std::vector<double>& to) {
    const loaded_factors factors = load(adapter.files, update.factors);
    const auto floats = [](const std::vector<std::byte>& bytes) {
      std::vector<float> numbers(bytes.size() / 4);
      if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
      return numbers;
    };
    ASSERT_EQ(factors.rows, update.region.rows);
    ASSERT_EQ(factors.cols, update.region.cols);
    const auto d =
        product(floats(factors.b), floats(factors.a), factors.rows, factors.rank, factors.cols);
    ASSERT_LE(update.region.begin + d.size(), to.size());
    for (std::size_t i = 0; i < d.size(); ++i) {
      to[update.region.begin + i] += static_cast<double>(factors.strength) * d[i];
    }
  }

  std::string bytes_;
  std::uint32_t seed_ = 1;
};

}  // namespace revlora::tool::test
