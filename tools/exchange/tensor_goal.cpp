#include "exchange/tensor_goal.hpp"

#include <algorithm>
#include <set>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "safetensors/dtype.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

namespace {

// What is in memory at a time is one of these for each thread. Factors are packed once for each: of
// 4096 columns and bf16 that is once in 512 rows.
constexpr std::uint64_t most_bytes_at_once = 4 << 20;
constexpr std::uint64_t rows_of_a_panel = 16;

matrix_elsewhere elsewhere(const adapter_files& files, const stored_matrix& matrix) {
  return {files.at(matrix.file).path().filename().string(),
          matrix.dtype,
          matrix.begin,
          matrix.rows,
          matrix.cols,
          matrix.row_stride,
          matrix.col_stride};
}

kept_factors kept(const factor_source& source, const adapter_files& files) {
  kept_factors result{};
  result.adapter = source.adapter;
  result.type = type_when_loaded(source);
  result.rows = source.b.rows;
  result.rank = source.rank();
  result.cols = source.columns();
  result.strength = source.strength;
  result.elsewhere = {elsewhere(files, source.b), elsewhere(files, source.a)};
  if (source.core) result.elsewhere.push_back(elsewhere(files, *source.core));
  return result;
}

std::uint64_t elements_of_row(const std::vector<std::uint64_t>& shape) {
  return shape.empty() ? 1 : element_count(std::span(shape).subspan(1));
}

class window_cutter {
 public:
  window_cutter(const planned_tensor& planned, bool is_replaced)
      : planned_(planned),
        is_replaced_(is_replaced),
        elements_(element_count(planned.shape)),
        row_(elements_of_row(planned.shape)),
        element_bytes_(size_of_dtype(planned.entry.dtype).value_or(1)) {}

  std::vector<goal_window> cut() {
    std::set<std::uint64_t> borders = {0, elements_};
    for (const planned_update& each : planned_.updates) {
      borders.insert(each.region.begin);
      borders.insert(end_of(each.region));
    }
    for (auto border = borders.begin(); std::next(border) != borders.end(); ++border) {
      add(*border, *std::next(border));
    }
    return std::move(windows_);
  }

 private:
  static std::uint64_t end_of(const tensor_region& region) {
    return region.begin + region.rows * region.cols;
  }

  void add(std::uint64_t begin, std::uint64_t end) {
    std::vector<window_update> updates;
    std::uint64_t cols = row_;
    for (std::size_t i = 0; i < planned_.updates.size(); ++i) {
      const tensor_region& region = planned_.updates[i].region;
      if (region.begin > begin || end_of(region) < end) continue;
      const bool fits = (updates.empty() && (!is_replaced_ || region.cols == row_)) ||
                        (!updates.empty() && region.cols == cols);
      if (!fits || (begin - region.begin) % region.cols != 0) {
        throw problem("the updates of " + quoted(planned_.name) +
                      " cut it in ways that do not fit each other: merge the adapters one by one");
      }
      cols = region.cols;
      updates.push_back({i, (begin - region.begin) / region.cols});
    }
    if (updates.empty() && !is_replaced_) return;
    if (cols == 0 || (end - begin) % cols != 0) {
      throw problem("the updates of " + quoted(planned_.name) + " end within a row");
    }
    split(begin, (end - begin) / cols, cols, updates);
  }

  void split(std::uint64_t begin, std::uint64_t rows, std::uint64_t cols,
             const std::vector<window_update>& updates) {
    const std::uint64_t row_bytes = std::max<std::uint64_t>(cols * element_bytes_, 1);
    const std::uint64_t most =
        std::max(most_bytes_at_once / row_bytes / rows_of_a_panel, std::uint64_t{1}) *
        rows_of_a_panel;
    for (std::uint64_t first = 0; first < rows; first += most) {
      goal_window window{begin + first * cols, std::min(most, rows - first), cols, updates};
      for (window_update& each : window.updates) each.first_row += first;
      windows_.push_back(std::move(window));
    }
  }

  const planned_tensor& planned_;
  bool is_replaced_;
  std::uint64_t elements_, row_, element_bytes_;
  std::vector<goal_window> windows_;
};

}  // namespace

tensor_goal goal_of(const planned_tensor& planned, const std::vector<stored_adapter>& adapters) {
  tensor_goal goal;
  goal.name = planned.name;
  goal.dtype = planned.entry.dtype;
  goal.shape = planned.shape;
  goal.is_new = planned.is_new;
  goal.recipe = planned.recipe;
  if (planned.replacement) {
    const planned_replacement& values = *planned.replacement;
    goal.replacement = goal_values{&adapters[values.adapter].files, values.values, 1, values.rows};
  }
  for (const planned_difference& each : planned.differences) {
    goal.differences.push_back({&adapters[each.adapter].files, each.values, each.scale});
  }
  for (const planned_update& each : planned.updates) {
    goal.factors.push_back(kept(each.factors, adapters[each.factors.adapter].files));
  }
  goal.load = [&planned, &adapters](std::size_t number) {
    const factor_source& source = planned.updates[number].factors;
    return load(adapters[source.adapter].files, source);
  };
  goal.windows = window_cutter(planned, goal.replaces()).cut();
  return goal;
}

std::optional<tensor_goal> goal_of(const undo_tensor& merged, const undo_merge& merge,
                                   kept_factor_reader& factors) {
  tensor_goal goal;
  goal.name = merged.name;
  goal.dtype = merged.dtype;
  goal.shape = merged.shape;
  goal.recipe = merged.recipe;
  goal.factors = merged.factors;
  goal.load = [&merged, &merge, &factors](std::size_t number) {
    return factors.load(merged.factors[number], merge);
  };
  for (const undo_window& each : merged.windows) {
    if (each.base) return {};
    goal.windows.push_back({each.begin, each.rows, each.cols, each.updates});
  }
  return goal;
}

}  // namespace revlora::tool
