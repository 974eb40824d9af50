#include "info/adapter_info.hpp"

#include <map>
#include <set>
#include <utility>

#include "console/text.hpp"
#include "formats/formats.hpp"
#include "reports/grouped_names.hpp"

namespace revlora::tool {

using nlohmann::ordered_json;

namespace {

/// One update, as text and as JSON.
struct described_update {
  std::string text;
  ordered_json json;
};

const char* name_of(layer_kind kind) {
  switch (kind) {
    case layer_kind::linear:
      return "linear";
    case layer_kind::convolution:
      return "convolution";
    case layer_kind::embedding:
      break;
  }
  return "embedding";
}

described_update describe(const low_rank_update& update) {
  std::string text = "rank " + std::to_string(update.b.cols) + ", scale " +
                     describe_rounded(update.scale) + ", " + describe_shape(update.shape) + ", " +
                     update.b.dtype;
  if (update.kind != layer_kind::linear) text += std::string(", ") + name_of(update.kind);
  if (update.core) text += ", with a core";
  ordered_json json = {{"kind", "low_rank"},       {"layer", name_of(update.kind)},
                       {"rank", update.b.cols},    {"scale", update.scale},
                       {"shape", update.shape},    {"dtype", update.b.dtype},
                       {"core", bool(update.core)}};
  return {std::move(text), std::move(json)};
}

described_update describe(const expert_stack_update& update) {
  const std::uint64_t rank = update.experts == 0 ? 0 : update.b.cols / update.experts;
  std::string text = "rank " + std::to_string(rank) + ", scale " + describe_rounded(update.scale) +
                     ", " + counted(update.experts, "expert") + ", " + update.b.dtype;
  ordered_json json = {{"kind", "expert_stack"},          {"rank", rank},
                       {"scale", update.scale},           {"experts", update.experts},
                       {"parameters", update.parameters}, {"dtype", update.b.dtype}};
  return {std::move(text), std::move(json)};
}

described_update describe(const difference_update& update) {
  return {"a difference, scale " + describe_rounded(update.scale) + ", " +
              describe_shape(update.shape) + ", " + update.values.dtype,
          {{"kind", "difference"},
           {"scale", update.scale},
           {"shape", update.shape},
           {"dtype", update.values.dtype}}};
}

described_update describe(const replacement_update& update) {
  std::string text = "replaced, " + describe_shape(update.shape) + ", " + update.values.dtype;
  if (update.rows) text = counted(update.rows->size(), "row") + ' ' + text;
  return {std::move(text),
          {{"kind", "replacement"},
           {"shape", update.shape},
           {"rows", update.rows ? ordered_json(*update.rows) : ordered_json()},
           {"dtype", update.values.dtype}}};
}

described_update describe(const adapter_update& update) {
  return std::visit([](const auto& content) { return describe(content); }, update.content);
}

/// "unet: down_blocks.0.proj_in", with the parameter where it is not the weight.
std::string name_of(const adapter_update& update) {
  std::string name = update.component.empty() ? "" : update.component + ": ";
  name += update.module;
  if (update.parameter != "weight" && !update.parameter.empty()) name += '.' + update.parameter;
  return name;
}

/// "8 (30 updates), 16 (2 updates)": or only "8", if all have it.
template <class Number, class Describe>
std::string counts_of(const std::map<Number, std::size_t>& count_of, const Describe& describe) {
  std::string said;
  for (const auto& [number, count] : count_of) {
    said += (said.empty() ? "" : ", ") + describe(number);
    if (count_of.size() > 1) said += " (" + counted(count, "update") + ")";
  }
  return said;
}

/// Some have several updates: of their weight and bias, or of rows that are replaced.
std::size_t module_count(const std::vector<adapter_update>& updates) {
  std::set<std::pair<std::string, std::string>> modules;
  for (const adapter_update& each : updates) modules.emplace(each.component, each.module);
  return modules.size();
}

std::string summary_of(const std::vector<adapter_update>& updates) {
  std::map<std::uint64_t, std::size_t> ranks;
  std::map<double, std::size_t> scales;
  for (const adapter_update& each : updates) {
    const ordered_json json = describe(each).json;
    if (json.contains("rank")) ++ranks[json["rank"].get<std::uint64_t>()];
    if (json.contains("scale")) ++scales[json["scale"].get<double>()];
  }
  std::string said;
  const auto rank = [](std::uint64_t number) { return std::to_string(number); };
  if (!ranks.empty()) said += "  ranks: " + counts_of(ranks, rank) + '\n';
  if (!scales.empty()) said += "  scales: " + counts_of(scales, describe_rounded) + '\n';
  return said;
}

}  // namespace

adapter_info::adapter_info(const info_request& request)
    : adapter_(read_adapter(request.path)), every_tensor_(request.every_tensor) {
}

std::string adapter_info::text() const {
  std::string said =
      "adapter " + printable(adapter_.path) + "\n  " + printable(adapter_.description) + ", " +
      counted(module_count(adapter_.updates), "module") + '\n' + summary_of(adapter_.updates);
  for (const auto& [name, value] : adapter_.facts) {
    said += "  " + printable(name) + ": " + printable(value) + '\n';
  }
  std::vector<labelled_name> names;
  for (const adapter_update& each : adapter_.updates) {
    names.push_back({name_of(each), describe(each).text});
  }
  said += lines_of(every_tensor_ ? ungrouped(names) : grouped(names), "    ");
  for (const unused_part& each : adapter_.unused) {
    said += "  cannot be merged: " + each.what + ": " + each.why + '\n';
  }
  if (!adapter_.refused.empty()) {
    said += "  revlora cannot merge it: " + adapter_.refused + '\n';
  }
  return said;
}

ordered_json adapter_info::json() const {
  ordered_json facts = ordered_json::object();
  for (const auto& [name, value] : adapter_.facts) facts[name] = value;
  ordered_json updates = ordered_json::array();
  for (const adapter_update& each : adapter_.updates) {
    ordered_json update = {
        {"module", each.module}, {"parameter", each.parameter}, {"component", each.component}};
    update.update(describe(each).json);
    updates.push_back(std::move(update));
  }
  ordered_json unused = ordered_json::array();
  for (const unused_part& each : adapter_.unused) {
    unused.push_back({{"what", each.what}, {"why", each.why}});
  }
  return {{"command", "info"},
          {"kind", "adapter"},
          {"path", adapter_.path.native()},
          {"description", adapter_.description},
          {"facts", std::move(facts)},
          {"refused", adapter_.refused.empty() ? ordered_json() : ordered_json(adapter_.refused)},
          {"unused", std::move(unused)},
          {"updates", std::move(updates)}};
}

}  // namespace revlora::tool
