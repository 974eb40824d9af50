#include "info/undo_info.hpp"

#include <algorithm>
#include <optional>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "reports/grouped_names.hpp"
#include "undo/undo_state.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

/// The merged model, if it lies beside its undo file, or else where it was merged.
std::optional<fs::path> model_of(const undo_merge& merge, const folder& home) {
  const auto is_file = [&](const std::string& name) {
    std::error_code ignored;
    return fs::is_regular_file(home.path() / name, ignored);
  };
  const std::string beside = merge.model.filename().string();
  if (!beside.empty() && is_file(beside)) return home.path_of(beside);
  const bool files_beside = !merge.files.empty() && std::ranges::all_of(merge.files, is_file);
  if (files_beside) return home.path();
  std::error_code ignored;
  if (fs::exists(merge.model, ignored)) return merge.model;
  return {};
}

std::string describe_state(const undo_file& undo, const folder& home, const file& opened) {
  const auto model = model_of(undo.last(), home);
  if (!model) return "the model is not here";
  try {
    return printable(*model) + " is " + compare(checkpoint(*model), undo, opened).describe();
  } catch (const problem& error) {
    return error.what();
  }
}

/// "0.1450 bits per weight"
std::string bits_per_weight(std::uint64_t bytes, std::uint64_t weights) {
  const double bits = 8 * static_cast<double>(bytes) / static_cast<double>(weights);
  return describe_number(bits, 4) + " bits per weight";
}

}  // namespace

undo_info::counts undo_info::counts_of(const undo_tensor& tensor) {
  counts sum;
  for (const undo_window& window : tensor.windows) {
    sum.weights += window.rows * window.cols;
    sum.changed += window.changed;
    sum.record_bytes += window.record.size + window.kept.size;
  }
  for (const kept_factors& each : tensor.factors) {
    sum.factor_bytes += each.embedded ? each.embedded->size : 0;
    sum.factors_elsewhere += each.embedded ? 0 : 1;
  }
  return sum;
}

undo_info::undo_info(const place& where, const file& opened, bool every_tensor)
    : path_(where.path()),
      bytes_(opened.size()),
      content_(undo_file::read(opened)),
      every_tensor_(every_tensor),
      state_(describe_state(content_, where.in, opened)) {
  for (const undo_shard& shard : content_.last().shards) {
    for (const undo_tensor& tensor : shard.tensors) {
      const counts of_tensor = counts_of(tensor);
      ++tensors_;
      all_.weights += of_tensor.weights;
      all_.changed += of_tensor.changed;
      all_.record_bytes += of_tensor.record_bytes;
      all_.factor_bytes += of_tensor.factor_bytes;
      all_.factors_elsewhere += of_tensor.factors_elsewhere;
    }
  }
}

std::string undo_info::describe_size() const {
  std::string said = describe_bytes(bytes_);
  if (all_.weights > 0) said += ", " + bits_per_weight(bytes_, all_.weights);
  said += ": records " + describe_bytes(all_.record_bytes);
  if (all_.factor_bytes > 0) said += ", adapters " + describe_bytes(all_.factor_bytes);
  return said;
}

std::string undo_info::text() const {
  std::string said = "undo file " + printable(path_) + "\n  " + describe_size() +
                     "\n  the merge changed " + describe_count(all_.changed) + " of " +
                     describe_count(all_.weights) + " weights in " + counted(tensors_, "tensor") +
                     ", on " + describe_time(content_.last().time) + '\n';
  if (!content_.is_finished()) said += "  that merge was cut off\n";
  said += "  state: " + state_ + '\n';
  for (const merged_adapter& adapter : content_.last().adapters) {
    said += "  adapter " + printable(adapter.path) + ", strength " +
            describe_shortest(adapter.strength) + '\n';
  }
  if (all_.factors_elsewhere > 0) {
    said += "  the adapters are not in it: keep them as they are, bit for bit\n";
  }
  std::vector<labelled_name> names;
  for (const undo_shard& shard : content_.last().shards) {
    for (const undo_tensor& tensor : shard.tensors) {
      std::string label = tensor.dtype + ' ' + describe_shape(tensor.shape);
      if (tensor.is_new) label += ", new";
      if (every_tensor_) {
        label += "  " + printable(shard.identity.name);
        const counts sum = counts_of(tensor);
        if (sum.weights > 0) label += "  " + bits_per_weight(sum.record_bytes, sum.weights);
      }
      names.push_back({tensor.name, label});
    }
  }
  return said + lines_of(every_tensor_ ? ungrouped(names) : grouped(names), "    ");
}

ordered_json undo_info::json() const {
  ordered_json adapters = ordered_json::array();
  for (const merged_adapter& each : content_.last().adapters) {
    adapters.push_back({{"path", each.path.native()}, {"strength", each.strength}});
  }
  ordered_json tensors = ordered_json::array();
  for (const undo_shard& shard : content_.last().shards) {
    for (const undo_tensor& each : shard.tensors) {
      const counts sum = counts_of(each);
      tensors.push_back({{"file", shard.identity.name},
                         {"name", each.name},
                         {"dtype", each.dtype},
                         {"shape", each.shape},
                         {"new", each.is_new},
                         {"changed", sum.changed},
                         {"record_bytes", sum.record_bytes},
                         {"factor_bytes", sum.factor_bytes}});
    }
  }
  return {{"command", "info"},
          {"kind", "undo"},
          {"path", path_.native()},
          {"bytes", bytes_},
          {"model", content_.last().model.native()},
          {"time", content_.last().time},
          {"finished", content_.is_finished()},
          {"embedded", all_.factors_elsewhere == 0},
          {"state", state_},
          {"weights", all_.weights},
          {"changed", all_.changed},
          {"record_bytes", all_.record_bytes},
          {"factor_bytes", all_.factor_bytes},
          {"adapters", std::move(adapters)},
          {"tensors", std::move(tensors)}};
}

}  // namespace revlora::tool
