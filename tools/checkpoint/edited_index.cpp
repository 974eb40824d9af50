#include "checkpoint/edited_index.hpp"

#include <algorithm>
#include <vector>

#include "checkpoint/shard_index.hpp"
#include "files/json.hpp"

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

/// How far the first key is from the margin; -1 if all stands in one line.
int indent_of(std::string_view text) {
  const std::size_t line = text.find('\n');
  const std::size_t key = text.find('"');
  if (line == std::string_view::npos || key == std::string_view::npos || key < line) return -1;
  return static_cast<int>(key - text.rfind('\n', key) - 1);
}

std::string_view white_space_behind(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? "" : text.substr(last + 1);
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char letter) { return static_cast<signed char>(letter) >= 0; });
}

void add_number(json& metadata, const char* name, std::uint64_t more) {
  const auto found = metadata.find(name);
  if (found == metadata.end()) return;
  if (found->is_number_unsigned()) {
    *found = found->get<std::uint64_t>() + more;
  } else if (found->is_number_float()) {
    *found = found->get<double>() + static_cast<double>(more);
  }
}

void add_tensors(json& weight_map, const std::map<std::string, std::string>& new_tensors) {
  auto& entries = weight_map.get_ref<json::object_t&>();
  const auto name_of = [](const auto& entry) -> const std::string& { return entry.first; };
  const bool is_sorted = std::ranges::is_sorted(entries, {}, name_of);
  // Into a list of its own: that of nlohmann cannot move its entries, whose names are constant.
  std::vector<std::pair<std::string, json>> all(entries.begin(), entries.end());
  for (const auto& [tensor, shard] : new_tensors) {
    const auto known = std::ranges::find(all, tensor, &std::pair<std::string, json>::first);
    if (known == all.end()) {
      all.emplace_back(tensor, shard);
    } else {
      known->second = shard;
    }
  }
  if (is_sorted) std::ranges::stable_sort(all, {}, &std::pair<std::string, json>::first);
  weight_map = json::object();
  auto& edited = weight_map.get_ref<json::object_t&>();
  for (auto& [tensor, shard] : all) edited.emplace_back(tensor, std::move(shard));
}

}  // namespace

std::string edited_index(std::string_view text, const index_growth& growth,
                         const std::string& source) {
  read_shard_index(text, source);  // refuses what is none
  json content = parse_object(text, source);
  add_tensors(content["weight_map"], growth.new_tensors);
  const auto metadata = content.find("metadata");
  if (metadata != content.end() && metadata->is_object()) {
    add_number(*metadata, "total_size", growth.bytes);
    add_number(*metadata, "total_parameters", growth.numbers);
  }
  return content.dump(indent_of(text), ' ', is_ascii(text)) + std::string(white_space_behind(text));
}

}  // namespace revlora::tool
