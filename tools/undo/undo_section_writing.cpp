#include "files/json.hpp"
#include "undo/undo_section.hpp"

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

class section_writer {
 public:
  explicit section_writer(std::uint64_t body_begin) : body_begin_(body_begin) {}

  json operator()(const undo_merge& merge) const {
    json header = {{"section", "merge"},
                   {"model", merge.model.string()},
                   {"adapters", json::array()},
                   {"time", merge.time},
                   {"files", merge.files}};
    for (const merged_adapter& each : merge.adapters) {
      header["adapters"].push_back({{"path", each.path.string()}, {"strength", each.strength}});
    }
    return header;
  }

  json operator()(const undo_shard& shard) const {
    json header = {{"section", "shard"}, {"file", of(shard.identity)}};
    if (shard.base_header) header["base_header"] = of(*shard.base_header);
    if (shard.base_header) header["base_bytes"] = shard.base_bytes;
    if (shard.merged_header) header["merged_header"] = hexadecimal(*shard.merged_header);
    header["tensors"] = json::array();
    for (const undo_tensor& each : shard.tensors) header["tensors"].push_back(of(each));
    return header;
  }

  json operator()(const undo_text& text) const {
    return {{"section", "text"},
            {"file", text.file},
            {"base", of(text.base)},
            {"merged", hexadecimal(text.merged)}};
  }

  json operator()(const undo_restored& restored) const {
    json header = {{"section", "restored"}, {"files", json::array()}};
    for (const file_identity& each : restored.files) header["files"].push_back(of(each));
    return header;
  }

 private:
  json of(const file_range& range) const { return {range.begin - body_begin_, range.size}; }

  static json of(const file_identity& file) {
    return {{"name", file.name},
            {"device", file.device},
            {"inode", file.inode},
            {"modified", file.modified},
            {"base_inode", file.base_inode},
            {"base_changed", file.base_changed}};
  }

  json of(const undo_tensor& tensor) const {
    json entry = {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}};
    if (tensor.is_new) {
      entry["is_new"] = true;
    } else if (tensor.base_shape != tensor.shape) {
      entry["base_shape"] = tensor.base_shape;
    }
    if (tensor.recipe != recipe::fused) entry["recipe"] = name_of(tensor.recipe);
    entry["factors"] = json::array();
    for (const kept_factors& each : tensor.factors) entry["factors"].push_back(of(each));
    entry["windows"] = json::array();
    for (const undo_window& each : tensor.windows) entry["windows"].push_back(of(each));
    return entry;
  }

  json of(const kept_factors& factors) const {
    json entry = {{"adapter", factors.adapter}, {"type", name_of(factors.type)},
                  {"rows", factors.rows},       {"rank", factors.rank},
                  {"cols", factors.cols},       {"strength", factors.strength}};
    if (factors.embedded) {
      entry["embedded"] = of(*factors.embedded);
    } else {
      for (const matrix_elsewhere& each : factors.elsewhere) {
        entry["elsewhere"].push_back({{"file", each.file},
                                      {"dtype", each.dtype},
                                      {"begin", each.begin},
                                      {"rows", each.rows},
                                      {"cols", each.cols},
                                      {"row_stride", each.row_stride},
                                      {"col_stride", each.col_stride}});
      }
    }
    return entry;
  }

  json of(const undo_window& window) const {
    json entry = {{"begin", window.begin}, {"rows", window.rows}, {"cols", window.cols}};
    if (window.base_rows != window.rows) entry["base_rows"] = window.base_rows;
    if (!window.updates.empty()) {
      for (const window_update& each : window.updates) {
        entry["updates"].push_back({each.factors, each.first_row});
      }
      entry["record"] = of(window.record);
    }
    entry["changed"] = window.changed;
    if (window.base) {
      entry["kept_rows"] = json::array();
      for (const row_run& run : window.kept_rows) {
        entry["kept_rows"].push_back({run.first, run.count});
      }
      entry["kept"] = of(window.kept);
      entry["base"] = hexadecimal(*window.base);
      entry["merged"] = hexadecimal(*window.merged);
    }
    return entry;
  }

  std::uint64_t body_begin_;
};

}  // namespace

std::string section_header_of(const undo_section& section, std::uint64_t body_begin) {
  return std::visit(section_writer(body_begin), section).dump();
}

}  // namespace revlora::tool
