// Makes lengths, offsets and checksums fit what a file says, so that the fuzzer gets behind them.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "files/sha256.hpp"
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

template <class Integer>
void append(std::vector<std::byte>& bytes, Integer value) {
  const auto raw = std::as_bytes(std::span(&value, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

/// An undo file with this header. Where it lists tensors, a record for each: of its shape if it
/// seems to have one, with its size; otherwise one of a few.
inline std::vector<std::byte> undo_file_with(std::string header, bool fits) {
  std::vector<std::byte> records;
  json content = json::parse(header, nullptr, false);
  if (content.is_object() && content.contains("tensors") && content["tensors"].is_array()) {
    std::size_t index = 0;
    for (json& entry : content["tensors"]) {
      auto record = index++ % 2 == 0
                        ? record_of(element_type::fp32, 2, 3, 1)
                        : record_of(element_type::bf16, 16, std::ptrdiff_t{1} << 56, 2);
      if (fits && entry.is_object()) entry["record_bytes"] = record.size();
      records.insert(records.end(), record.begin(), record.end());
    }
    if (fits) header = content.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  std::vector<std::byte> file;
  for (const char character : std::string("revlora\n")) append(file, character);
  append(file, std::uint32_t{1});
  append(file, std::uint64_t{28 + header.size() + records.size() + sizeof(tool::sha256_digest)});
  append(file, std::uint64_t{header.size()});
  for (const char character : header) append(file, character);
  file.insert(file.end(), records.begin(), records.end());
  const tool::sha256_digest digest = tool::sha256_of(file);
  file.insert(file.end(), digest.begin(), digest.end());
  return file;
}

}  // namespace revlora::tests
