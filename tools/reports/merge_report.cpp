#include "reports/merge_report.hpp"

#include <algorithm>

#include "console/table.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

using nlohmann::ordered_json;

/// "8 + 16": of each update of a tensor.
template <class Describe>
std::string of_each(const std::vector<update_outlook>& updates, const Describe& describe) {
  std::string all;
  for (const update_outlook& each : updates) all += (all.empty() ? "" : " + ") + describe(each);
  return all.empty() ? "-" : all;
}

std::string tensor_table(const std::vector<tensor_outlook>& tensors) {
  std::vector<std::vector<std::string>> rows = {
      {"tensor", "type", "shape", "rank", "scale", "std(D)/std(W)"}};
  for (const tensor_outlook& each : tensors) {
    const auto rank = [](const update_outlook& update) { return std::to_string(update.rank); };
    const auto scale = [](const update_outlook& update) {
      return describe_rounded(update.strength);
    };
    const std::string size =
        each.relative_size ? describe_number(*each.relative_size, 4) : std::string("-");
    rows.push_back({printable(each.name), each.dtype, describe_shape(each.shape),
                    of_each(each.updates, rank), of_each(each.updates, scale), size});
    if (each.is_replaced) rows.back().push_back("replaced");
  }
  return lines_of(rows, "  ");
}

ordered_json json_of_tensor(const tensor_outlook& tensor) {
  ordered_json updates = ordered_json::array();
  for (const update_outlook& each : tensor.updates) {
    updates.push_back(
        {{"adapter", each.adapter.native()}, {"rank", each.rank}, {"scale", each.strength}});
  }
  return {{"file", tensor.file},
          {"name", tensor.name},
          {"dtype", tensor.dtype},
          {"shape", tensor.shape},
          {"updates", std::move(updates)},
          {"replaced", tensor.is_replaced},
          {"relative_size",
           tensor.relative_size ? ordered_json(*tensor.relative_size) : ordered_json()}};
}

}  // namespace

std::string merge_report::first_line() const {
  const std::string model = printable(result_.model);
  const std::string adapters = counted(adapters_, "adapter");
  const std::string tensors = counted(result_.tensors.size(), "tensor") + " of " + model;
  if (is_to_base()) return (dry_run_ ? "would bring " : "brought ") + model + " back to the base";
  if (is_swap()) return (dry_run_ ? "would swap " : "swapped ") + tensors + " to " + adapters;
  return (dry_run_ ? "would merge " : "merged ") + adapters + " into " + tensors;
}

std::string merge_report::describe_weights() const {
  const std::string changed =
      describe_count(result_.changed) + " of " + describe_count(result_.weights) + " weights ";
  return dry_run_ ? "about " + changed + "would change; nothing was written" : changed + "changed";
}

std::string merge_report::describe_undo_file() const {
  std::string size = (dry_run_ ? "about " : "") + describe_bytes(result_.undo_bytes);
  if (result_.factor_bytes > 0) {
    size += ": records " + describe_bytes(result_.record_bytes) + ", adapters " +
            describe_bytes(result_.factor_bytes);
  }
  if (result_.weights > 0) {
    const double bits =
        8.0 * static_cast<double>(result_.undo_bytes) / static_cast<double>(result_.weights);
    size +=
        (result_.factor_bytes > 0 ? "; " : ", ") + describe_number(bits, 3) + " bits per weight";
  }
  // A dry run need not have chosen a place for it.
  return result_.undo.empty() ? size : printable(result_.undo) + " (" + size + ")";
}

std::string merge_report::text() const {
  std::string said = first_line();
  if (result_.is_finished_earlier) said += ", which an interrupted run had begun";
  said += '\n';
  if (is_to_base()) {
    said += "by the undo file " + printable(result_.undo) + '\n';
    return dry_run_ ? said + "nothing was written\n" : said;
  }
  said += describe_weights() + "\nundo file: " + describe_undo_file() + '\n';
  if (!dry_run_) return said;
  said += "disk space that has to be free: " + describe_bytes(result_.disk_bytes) + '\n';
  return said + tensor_table(result_.tensors);
}

ordered_json merge_report::json() const {
  ordered_json said = json_of(command_.c_str(), dry_run_);
  ordered_json tensors = ordered_json::array();
  for (const tensor_outlook& each : result_.tensors) tensors.push_back(json_of_tensor(each));
  said.update(
      {{"model", result_.model.native()},
       {"undo", result_.undo.empty() ? ordered_json() : ordered_json(result_.undo.native())},
       {"adapters", adapters_},
       {"finished_earlier", result_.is_finished_earlier},
       {"weights", result_.weights},
       {"changed", result_.changed},
       {"not_finite", result_.not_finite},
       {"undo_bytes", result_.undo_bytes},
       {"record_bytes", result_.record_bytes},
       {"factor_bytes", result_.factor_bytes},
       {"disk_bytes", result_.disk_bytes},
       {"notes", notes()},
       {"warnings", warnings()},
       {"tensors", std::move(tensors)}});
  return said;
}

const char* merge_report::state() const {
  if (dry_run_) return "the model is as it was";
  if (is_to_base()) return "the model is at the base";
  return is_swap() ? "the model is swapped" : "the model is merged";
}

std::string merge_report::why_nothing_changed() const {
  const bool is_switched_off = std::ranges::all_of(result_.tensors, [](const auto& tensor) {
    return !tensor.is_replaced && std::ranges::all_of(tensor.updates, [](const auto& update) {
      return update.strength == 0;
    });
  });
  if (is_switched_off) return "the strength is 0";
  return result_.adds_something
             ? "what the adapters add is less than half a unit in the last place of every weight"
             : "one of the factors of each update is zero everywhere, as B is before the training";
}

bool merge_report::has_updates() const {
  return std::ranges::any_of(result_.tensors,
                             [](const auto& tensor) { return !tensor.updates.empty(); });
}

std::vector<std::string> merge_report::warnings() const {
  if (dry_run_ || is_swap() || result_.changed > 0) return {};
  return {"the merge changed nothing: " + why_nothing_changed()};
}

std::vector<std::string> merge_report::notes() const {
  std::vector<std::string> notes = result_.notes;
  if (!dry_run_ && result_.factor_bytes == 0 && has_updates()) {
    notes.push_back(
        "the undo file has no factors in it: keep the adapters as they are, bit for bit, or "
        "nothing leads back to the base");
  }
  if (result_.not_finite > 0) {
    notes.push_back(counted(result_.not_finite, "weight") + " became infinite or NaN");
  }
  return notes;
}

}  // namespace revlora::tool
