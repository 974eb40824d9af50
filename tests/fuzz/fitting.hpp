// Makes lengths, offsets and checksums fit what a file says, so that the fuzzer gets behind them.
#pragma once

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../undo_frames.hpp"
#include "revlora/detail/panels.hpp"
#include "revlora/detail/record/write.hpp"
#include "revlora/undo_record.hpp"

namespace revlora::tests {

using json = nlohmann::ordered_json;

/// A header of a tensor table with the tensors laid one after the other, where that is possible.
inline std::string laid_out(const std::string& header) {
  static const std::map<json, std::uint64_t> sizes = {
      {"U8", 1}, {"F16", 2}, {"BF16", 2}, {"F32", 4}, {"F64", 8}};
  json table = json::parse(header, nullptr, false);
  if (!table.is_object()) return header;
  std::uint64_t position = 0;
  for (json& entry : table) {
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape")) continue;
    const auto size = sizes.find(entry["dtype"]);
    if (size == sizes.end() || !entry["shape"].is_array()) continue;
    std::uint64_t bytes = size->second;
    for (const json& extent : entry["shape"]) {
      if (extent.is_number_unsigned()) bytes *= extent.get<std::uint64_t>();
    }
    entry["data_offsets"] = {position, position + bytes};
    position += bytes;
  }
  return table.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// How many bytes of data its tensors seem to have.
inline std::uint64_t data_bytes_of(const std::string& header) {
  const json table = json::parse(header, nullptr, false);
  std::uint64_t bytes = 0;
  if (!table.is_object()) return 0;
  for (const json& entry : table) {
    if (!entry.is_object() || !entry.contains("data_offsets")) continue;
    for (const json& offset : entry["data_offsets"]) {
      if (offset.is_number_unsigned()) bytes = std::max(bytes, offset.get<std::uint64_t>());
    }
  }
  return bytes;
}

/// A valid record of a matrix, whatever its size: its panels say nothing.
inline std::vector<std::byte> record_of(element_type type, std::ptrdiff_t rows, std::ptrdiff_t cols,
                                        std::size_t adapters) {
  const std::vector<std::uint64_t> fingerprints(adapters);
  const std::vector<detail::coded_panel> panels(
      static_cast<std::size_t>(detail::panels_of(rows, cols)));
  detail::record_draft draft;
  draft.type = type;
  draft.rows = static_cast<std::uint64_t>(rows);
  draft.cols = static_cast<std::uint64_t>(cols);
  draft.fingerprints = fingerprints;
  draft.panels = panels;
  detail::record_contents record;
  detail::record_writer(draft, record).finish(detail::absorb_chunks);
  return {record.bytes.begin(), record.bytes.end()};
}

/// A header of an undo file's section, and the body that it asks for.
class fitting_section {
 public:
  explicit fitting_section(const json& header) : header_(header) {
    if (!header_.is_object()) return;
    for (const char* key : {"base_header", "base"}) place(header_, key, 40);
    if (!header_.contains("tensors") || !header_["tensors"].is_array()) return;
    for (json& tensor : header_["tensors"]) {
      if (!tensor.is_object()) continue;
      each_in(tensor, "factors", [&](json& factors) { place_factors(factors); });
      each_in(tensor, "windows", [&](json& window) { place_window(tensor, window); });
    }
  }

  undo_frame frame() const {
    return {body_, header_.dump(-1, ' ', false, json::error_handler_t::replace)};
  }

 private:
  static constexpr std::uint64_t most_bytes = 4096;

  static void each_in(json& object, const char* key, const auto& visit) {
    if (!object.contains(key) || !object[key].is_array()) return;
    for (json& entry : object[key]) {
      if (entry.is_object()) visit(entry);
    }
  }

  /// A number of the object that is not too large to be reckoned with.
  static std::uint64_t small(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_unsigned()) return 0;
    return std::min<std::uint64_t>(found->get<std::uint64_t>(), 1 << 16);
  }

  static std::optional<element_type> type_of(const json& object, const char* key) {
    static const std::map<json, element_type> types = {
        {"F32", element_type::fp32},  {"F16", element_type::fp16},  {"BF16", element_type::bf16},
        {"fp32", element_type::fp32}, {"fp16", element_type::fp16}, {"bf16", element_type::bf16}};
    const auto found = types.find(object.value(key, json()));
    if (found == types.end()) return {};
    return found->second;
  }

  void place(json& object, const char* key, const std::string& bytes) {
    if (!object.contains(key) || !object[key].is_array()) return;
    object[key] = {body_.size(), bytes.size()};
    body_ += bytes;
  }
  void place(json& object, const char* key, std::uint64_t size) {
    if (size <= most_bytes) place(object, key, std::string(size, '\0'));
  }

  void place_factors(json& factors) {
    const auto type = type_of(factors, "type");
    if (!type) return;
    const std::uint64_t sides = small(factors, "rows") + small(factors, "cols");
    place(factors, "embedded", sides * small(factors, "rank") * size_of(*type));
  }

  void place_window(const json& tensor, json& window) {
    const auto type = type_of(tensor, "dtype");
    if (!type) return;
    std::uint64_t rows = 0;
    if (window.contains("kept_rows") && window["kept_rows"].is_array()) {
      for (const json& run : window["kept_rows"]) {
        const bool is_run = run.is_array() && run.size() == 2 && run[1].is_number_unsigned();
        if (is_run) rows += std::min<std::uint64_t>(run[1].get<std::uint64_t>(), most_bytes);
      }
    }
    place(window, "kept", rows * small(window, "cols") * size_of(*type));
    if (!window.contains("updates") || !window["updates"].is_array()) return;
    if (!window.contains("cols") || !window["cols"].is_number_unsigned()) return;
    const auto cols = window["cols"].get<std::uint64_t>();
    if (cols >> 57 != 0) return;
    const auto record = record_of(
        *type, static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(small(window, "rows"), 64)),
        static_cast<std::ptrdiff_t>(cols), window["updates"].size());
    place(window, "record", {reinterpret_cast<const char*>(record.data()), record.size()});
  }

  json header_;
  std::string body_;
};

/// An undo file whose sections have these headers: a list of them, or one. If it is to fit, each
/// has the body that its header asks for.
inline std::string undo_file_with(const std::string& text, bool fits) {
  const json content = json::parse(text, nullptr, false);
  std::vector<undo_frame> frames;
  if (!content.is_array()) return undo_file_of({{std::string(100, '\0'), text}});
  for (const json& header : content) {
    if (fits) {
      frames.push_back(fitting_section(header).frame());
    } else {
      frames.push_back(
          {std::string(100, '\0'), header.dump(-1, ' ', false, json::error_handler_t::replace)});
    }
  }
  return undo_file_of(frames);
}

}  // namespace revlora::tests
