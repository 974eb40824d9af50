#include "info/model_info.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"
#include "reports/grouped_names.hpp"
#include "reports/verify_report.hpp"
#include "undo/undo_on_disk.hpp"

namespace revlora::tool {

using nlohmann::ordered_json;

namespace {

/// "LlamaForCausalLM (llama)"; empty if the configuration does not say.
std::string architecture_of(const ordered_json* config) {
  if (config == nullptr) return "";
  const auto text_at = [&](const char* key) {
    const auto found = config->find(key);
    return found != config->end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  std::string name = text_at("_class_name");  // as diffusers has it
  const auto names = config->find("architectures");
  if (names != config->end() && names->is_array() && !names->empty() && names->front().is_string())
    name = names->front().get<std::string>();
  const std::string type = text_at("model_type");
  if (name.empty()) return type;
  return type.empty() ? name : name + " (" + type + ")";
}

}  // namespace

model_info::model_info(const info_request& request)
    : model_(request.path, request.weights), every_tensor_(request.every_tensor) {
  find_state();
}

void model_info::find_state() {
  if (undo_names(model_.path(), model_.is_folder()).numbers_in(model_.home()).empty()) return;
  try {
    verify_request question{.model = model_.path()};
    state_ = verify_model(question);
  } catch (const problem& error) {
    state_unknown_ = error.what();
  }
}

std::map<std::string, model_info::type_summary> model_info::types() const {
  std::map<std::string, type_summary> by_type;
  for (const auto& [name, located] : model_.tensors()) {
    type_summary& summary = by_type[located.entry.dtype];
    ++summary.tensors;
    summary.numbers += located.entry.element_count();
    summary.bytes += located.entry.size_bytes();
  }
  return by_type;
}

std::string model_info::describe_state() const {
  if (!state_unknown_.empty()) return "  state: cannot be told: " + state_unknown_ + '\n';
  if (!state_) return "  state: no undo file beside it, so nothing that revlora knows of\n";
  std::string said = std::string("  state: ") + describe(state_->condition);
  if (state_->condition == model_condition::merged) {
    said += ", since " + describe_time(state_->since);
  }
  said += ", says " + printable(state_->undo.filename()) + '\n';
  if (state_->condition == model_condition::base) return said;
  for (const adapter_request& each : state_->adapters) {
    said += "    adapter " + describe(each) + '\n';
  }
  return said;
}

std::string model_info::text() const {
  std::string said = "model " + printable(model_.path()) + "\n  " +
                     counted(model_.tensors().size(), "tensor") + " in " +
                     counted(model_.shards().size(), "file") + ", " +
                     describe_bytes(model_.size_bytes()) + '\n';
  for (const auto& [dtype, summary] : types()) {
    said += "  " + printable(dtype) + ": " + counted(summary.numbers, "number") + " in " +
            counted(summary.tensors, "tensor") + ", " + describe_bytes(summary.bytes) + '\n';
  }
  for (const std::string& component : model_.components()) {
    const std::string name = architecture_of(model_.config(component));
    if (name.empty()) continue;
    said += "  architecture" + (component.empty() ? "" : " of " + printable(component)) + ": " +
            printable(name) + '\n';
  }
  said += describe_state();
  for (const std::string& each : model_.notes()) said += "  note: " + each + '\n';

  std::vector<labelled_name> names;
  for (const auto& [name, located] : model_.tensors()) {
    std::string label = printable(located.entry.dtype) + ' ' + describe_shape(located.entry.shape);
    if (every_tensor_ && model_.shards().size() > 1) {
      label += "  " + printable(model_.shards()[located.shard]);
    }
    names.push_back({name, label});
  }
  return said + lines_of(every_tensor_ ? ungrouped(names) : grouped(names), "    ");
}

ordered_json model_info::json() const {
  ordered_json by_type = ordered_json::object();
  for (const auto& [dtype, summary] : types()) {
    by_type[dtype] = {
        {"tensors", summary.tensors}, {"numbers", summary.numbers}, {"bytes", summary.bytes}};
  }
  ordered_json architectures = ordered_json::object();
  for (const std::string& component : model_.components()) {
    architectures[component] = architecture_of(model_.config(component));
  }
  ordered_json state;  // null, if there is no undo file
  if (!state_unknown_.empty()) state = {{"condition", "unknown"}, {"reason", state_unknown_}};
  if (state_) {
    state = {{"condition", key_of(state_->condition)},
             {"undo", state_->undo.native()},
             {"since", state_->since},
             {"adapters", json_of(state_->adapters)}};
  }
  ordered_json tensors = ordered_json::array();
  for (const auto& [name, located] : model_.tensors()) {
    tensors.push_back({{"name", name},
                       {"dtype", located.entry.dtype},
                       {"shape", located.entry.shape},
                       {"file", model_.shards()[located.shard]}});
  }
  return {{"command", "info"},
          {"kind", "model"},
          {"path", model_.path().native()},
          {"bytes", model_.size_bytes()},
          {"files", model_.shards()},
          {"types", std::move(by_type)},
          {"architectures", std::move(architectures)},
          {"state", std::move(state)},
          {"notes", model_.notes()},
          {"tensors", std::move(tensors)}};
}

}  // namespace revlora::tool
