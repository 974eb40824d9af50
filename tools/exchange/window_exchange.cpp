#include "exchange/window_exchange.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstring>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "revlora/error.hpp"
#include "revlora/fingerprint.hpp"
#include "revlora/merge.hpp"
#include "revlora/parallel.hpp"
#include "safetensors/dtype.hpp"
#include "safetensors/tensor_table.hpp"
#include "undo/record_in_file.hpp"

namespace revlora::tool {

namespace {

any_matrix matrix_over(std::vector<std::byte>& bytes, const std::string& dtype, std::uint64_t rows,
                       std::uint64_t cols) {
  return {bytes.data(), *type_of(dtype), static_cast<std::ptrdiff_t>(rows),
          static_cast<std::ptrdiff_t>(cols)};
}

std::optional<std::size_t> other_adapter(const std::vector<low_rank>& given,
                                         const undo_record& record, const undo_tensor& merged,
                                         const undo_window& window) {
  const auto fingerprints = record.fingerprints();
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (fingerprint(given[i]) != fingerprints[i]) {
      return merged.factors[window.updates[i].factors].adapter;
    }
  }
  return {};
}

/// Rows of the values of one adapter for a window, in the type of the tensor if there is one for
/// that, and which rows of the window they are for.
class window_values {
 public:
  window_values(const goal_values& from, const std::string& dtype, const goal_window& window)
      : row_bytes_(window.cols * *size_of_dtype(dtype)) {
    const std::uint64_t first = window.begin / std::max<std::uint64_t>(window.cols, 1);
    if (!from.rows) {
      read_rows(from, dtype, first, window.rows);
      for (std::uint64_t row = 0; row < window.rows; ++row) rows_.push_back(row);
      return;
    }
    const auto begin = std::ranges::lower_bound(*from.rows, first, {}, &replaced_row::row);
    const auto end =
        std::ranges::lower_bound(*from.rows, first + window.rows, {}, &replaced_row::row);
    for (auto each = begin; each != end; ++each) {
      read_rows(from, dtype, each->value, 1);
      rows_.push_back(each->row - first);
    }
  }

  /// Calls `visit(row, bytes)` for each row of the window that there are values for.
  template <class Visit>
  void visit(const Visit& visit) const {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      visit(rows_[i], std::span(bytes_).subspan(i * row_bytes_, row_bytes_));
    }
  }

 private:
  void read_rows(const goal_values& from, const std::string& dtype, std::uint64_t first,
                 std::uint64_t count) {
    const stored_matrix rows = from.values.row_slice(first, count);
    const auto type = type_of(dtype);
    const auto more =
        type && rows.dtype != dtype ? read_as(*from.files, rows, *type) : read(*from.files, rows);
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }

  std::uint64_t row_bytes_;
  std::vector<std::byte> bytes_;
  std::vector<std::uint64_t> rows_;
};

/// To a number of fewer bits by one rounding: in between, what a float cannot hold is marked in its
/// last bit, as wide formats do ("round to odd").
template <class Number>
Number rounded(double exact) {
  if constexpr (std::same_as<Number, float>) {
    return static_cast<float>(exact);
  } else {
    auto near = static_cast<float>(exact);
    if (std::isfinite(near) && static_cast<double>(near) != exact) {
      if (std::abs(static_cast<double>(near)) > std::abs(exact)) near = std::nextafter(near, 0.0f);
      near = std::bit_cast<float>(std::bit_cast<std::uint32_t>(near) | 1u);
    }
    return Number(near);
  }
}

/// round(x + scale · d), element by element, in place; the differences are fp32.
void add_scaled(std::span<std::byte> row, std::span<const std::byte> difference, float scale,
                element_type type) {
  const auto add = [&]<class Number>(Number) {
    for (std::size_t i = 0; i < row.size() / sizeof(Number); ++i) {
      const std::size_t at = i * sizeof(Number);
      Number x;
      float d;
      std::memcpy(&x, &row[at], sizeof x);
      std::memcpy(&d, &difference[i * sizeof d], sizeof d);
      const double product = static_cast<double>(scale) * static_cast<double>(d);
      const auto sum = rounded<Number>(static_cast<double>(static_cast<float>(x)) + product);
      std::memcpy(&row[at], &sum, sizeof sum);
    }
  };
  switch (type) {
    case element_type::fp32:
      return add(float{});
    case element_type::fp16:
      return add(f16{});
    case element_type::bf16:
      return add(bf16{});
    default:
      throw problem("a difference can only be added to F32, F16 and BF16");
  }
}

/// Which rows are other bytes now. Rows between two that changed are taken with them if that makes
/// less to say.
std::vector<row_run> changed_rows(std::span<const std::byte> before, std::span<const std::byte> now,
                                  std::uint64_t row_bytes) {
  constexpr std::uint64_t cost_of_a_run = 16;
  std::vector<row_run> runs;
  const std::uint64_t rows = row_bytes == 0 ? 0 : before.size() / row_bytes;
  for (std::uint64_t row = 0; row < rows; ++row) {
    if (std::memcmp(&before[row * row_bytes], &now[row * row_bytes], row_bytes) == 0) continue;
    if (!runs.empty()) {
      row_run& last = runs.back();
      const std::uint64_t end = last.first + last.count;
      if ((row - end) * row_bytes <= cost_of_a_run) {
        last.count = row + 1 - last.first;
        continue;
      }
    }
    runs.push_back({row, 1});
  }
  return runs;
}

std::uint64_t changed_elements(std::span<const std::byte> before, std::span<const std::byte> now,
                               std::uint64_t element_bytes) {
  std::uint64_t changed = (now.size() - before.size()) / element_bytes;
  for (std::size_t at = 0; at < before.size(); at += element_bytes) {
    changed += std::memcmp(&before[at], &now[at], element_bytes) != 0;
  }
  return changed;
}

/// Whether all numbers are zero, of either sign.
bool is_zero(const std::vector<std::byte>& numbers, element_type type) {
  const std::size_t size = size_of(type);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const bool has_sign = i % size == size - 1;
    if ((numbers[i] & std::byte(has_sign ? 0x7f : 0xff)) != std::byte{}) return false;
  }
  return true;
}

bool adds_something(const loaded_factors& factors) {
  return factors.strength != 0 && !is_zero(factors.b, factors.type) &&
         !is_zero(factors.a, factors.type);
}

/// The goal's own values in the place of the base's.
void replace_values(std::vector<std::byte>& bytes, const tensor_goal& goal,
                    const goal_window& window) {
  const std::uint64_t row_bytes = window.cols * *size_of_dtype(goal.dtype);
  if (goal.replacement) {
    window_values(*goal.replacement, goal.dtype, window).visit([&](std::uint64_t row, auto values) {
      std::memcpy(bytes.data() + row * row_bytes, values.data(), row_bytes);
    });
  }
  for (const goal_values& each : goal.differences) {
    const auto type = type_of(goal.dtype);
    if (!type) throw problem(quoted(goal.name) + " is " + goal.dtype + ": nothing can be added");
    window_values(each, "F32", window).visit([&](std::uint64_t row, auto values) {
      add_scaled(std::span(bytes).subspan(row * row_bytes, row_bytes), values, each.scale, *type);
    });
  }
}

}  // namespace

void add(merge_counts& sum, const merge_counts& more) {
  sum.weights += more.weights;
  sum.changed += more.changed;
  sum.not_finite += more.not_finite;
  sum.adds_something = sum.adds_something || more.adds_something;
  sum.record_bytes += more.record_bytes;
  sum.factor_bytes += more.factor_bytes;
}

std::optional<not_restored> restore(std::vector<std::byte>& bytes, const file& undo,
                                    const undo_tensor& merged, const undo_window& window,
                                    factor_shelf& factors) {
  if (!window.updates.empty()) {
    const undo_record record = read_record(undo, merged, window);
    const factors_in_use given = factors.take(window.updates, window.rows);
    const validation done = try_unmerge(matrix_over(bytes, merged.dtype, window.rows, window.cols),
                                        adapter_list(given.views, merged.recipe), record, serial{});
    if (!done) {
      return not_restored{done.text(), other_adapter(given.views, record, merged, window)};
    }
  }
  const std::uint64_t row_bytes = window.cols * *size_of_dtype(merged.dtype);
  bytes.resize(window.base_rows * row_bytes);
  const std::vector<std::byte> kept = read_range(undo, window.kept);
  std::uint64_t at = 0;
  for (const row_run& run : window.kept_rows) {
    const std::uint64_t size = run.count * row_bytes;
    std::memcpy(bytes.data() + run.first * row_bytes, kept.data() + at, size);
    at += size;
  }
  if (window.base && sha256_of(bytes) != *window.base) {
    return not_restored{"it does not lead back to the base", {}};
  }
  return {};
}

reached_window reach(std::vector<std::byte>& bytes, const tensor_goal& goal,
                     const goal_window& window, factor_shelf& factors) {
  const std::uint64_t element_bytes = *size_of_dtype(goal.dtype);
  const std::uint64_t row_bytes = window.cols * element_bytes;
  reached_window reached;
  undo_window& done = reached.window;
  done = {window.begin, window.rows, window.rows, window.cols, window.updates, {}, 0,
          {},           {},          {},          {}};
  if (row_bytes > 0) done.base_rows = bytes.size() / row_bytes;
  std::vector<std::byte> base;
  if (goal.replaces()) {
    base = bytes;
    done.base = sha256_of(base);
    bytes.resize(window.rows * row_bytes);
    replace_values(bytes, goal, window);
    done.kept_rows = changed_rows(base, bytes, row_bytes);
    for (const row_run& run : done.kept_rows) {
      const auto rows = std::span(base).subspan(run.first * row_bytes, run.count * row_bytes);
      reached.kept.insert(reached.kept.end(), rows.begin(), rows.end());
    }
  }
  if (!window.updates.empty()) {
    reached.factors = factors.take(window.updates, window.rows);
    const merge_report report =
        merge(matrix_over(bytes, goal.dtype, window.rows, window.cols),
              adapter_list(reached.factors.views, goal.recipe), reached.record, serial{});
    done.changed = static_cast<std::uint64_t>(report.changed);
    reached.not_finite = static_cast<std::uint64_t>(report.became_not_finite);
  }
  if (goal.replaces()) {
    done.merged = sha256_of(bytes);
    done.changed = changed_elements(base, bytes, element_bytes);
  }
  return reached;
}

void note_down(const reached_window& reached, undo_tensor& log, bool embedded, undo_writer* undo,
               merge_counts& counts) {
  undo_window window = reached.window;
  for (std::size_t i = 0; i < window.updates.size(); ++i) {
    const loaded_factors& loaded = *reached.factors.loaded[i];
    counts.adds_something = counts.adds_something || adds_something(loaded);
    kept_factors& known = log.factors[window.updates[i].factors];
    if (undo == nullptr || !embedded || known.embedded) continue;
    known.embedded = undo->append(loaded.b);
    known.embedded->size += undo->append(loaded.a).size;
    known.elsewhere.clear();
    counts.factor_bytes += known.embedded->size;
  }
  if (undo != nullptr) {
    if (window.base) window.kept = undo->append(reached.kept);
    if (!window.updates.empty()) window.record = undo->append(reached.record.bytes());
  }
  counts.weights += window.rows * window.cols;
  counts.changed += window.changed;
  counts.not_finite += reached.not_finite;
  counts.adds_something = counts.adds_something || !window.kept_rows.empty();
  counts.record_bytes += reached.kept.size() + reached.record.size_bytes();
  log.windows.push_back(std::move(window));
}

}  // namespace revlora::tool
