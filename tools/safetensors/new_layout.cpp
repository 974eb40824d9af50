#include "safetensors/new_layout.hpp"

#include <map>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/json.hpp"
#include "safetensors/tensor_header.hpp"

namespace revlora::tool {

namespace {

/// The tensors in their new order, with offsets as in a header: relative to the first one.
std::vector<tensor> placed(std::vector<tensor> tensors, std::span<const tensor_growth> growths,
                           const std::string& source) {
  std::map<std::string_view, tensor*> by_name;
  tensors.reserve(tensors.size() + growths.size());  // pointers to them stay valid
  for (tensor& t : tensors) by_name.emplace(t.name, &t);
  for (const tensor_growth& growth : growths) {
    const std::string where = source + ": tensor " + quoted(growth.name);
    if (growth.name == metadata_name) throw problem(where + " is no tensor: its name is reserved");
    tensor wanted{growth.name, growth.dtype, growth.shape, 0, 0};
    wanted.end = bytes_of_shape(wanted, where);
    const auto known = by_name.find(growth.name);
    if (known != by_name.end()) {
      *known->second = std::move(wanted);
    } else {
      tensors.push_back(std::move(wanted));
      by_name.emplace(tensors.back().name, &tensors.back());
    }
  }
  std::size_t position = 0;
  for (tensor& t : tensors) {
    const std::size_t size = t.size_bytes();
    t.begin = position;
    t.end = position += size;
  }
  return tensors;
}

/// The header with these tensors' places in it, and spaces behind it.
std::string header_of(std::string_view header, const std::vector<tensor>& tensors,
                      const std::string& source) {
  using json = nlohmann::ordered_json;
  json content = parse_object(header, source);
  std::map<std::string_view, json*> entries;
  for (auto& [name, entry] : content.get_ref<json::object_t&>()) entries.emplace(name, &entry);
  json added = json::object();
  for (const tensor& t : tensors) {
    const auto known = entries.find(t.name);
    // Not by operator[], which looks through all keys.
    json& entry = known != entries.end()
                      ? *known->second
                      : added.get_ref<json::object_t&>().emplace_back(t.name, nullptr).second;
    entry["dtype"] = t.dtype;
    entry["shape"] = t.shape;
    entry["data_offsets"] = {t.begin, t.end};
  }
  for (auto& each : added.get_ref<json::object_t&>()) {
    content.get_ref<json::object_t&>().push_back(std::move(each));
  }
  std::string text = content.dump();
  constexpr std::size_t alignment = 8;
  text.resize((text.size() + alignment - 1) / alignment * alignment, ' ');
  return text;
}

}  // namespace

new_layout lay_out(std::string_view header, std::uint64_t file_bytes,
                   std::span<const tensor_growth> growths, const std::string& source) {
  const std::vector<tensor> tensors =
      placed(read_tensor_table(header, file_bytes, source), growths, source);
  const std::string text = header_of(header, tensors, source);
  const std::uint64_t length = text.size();
  new_layout layout;
  layout.start.assign(reinterpret_cast<const char*>(&length), sizeof length);  // little-endian
  layout.start += text;
  layout.file_bytes = layout.start.size() + (tensors.empty() ? 0 : tensors.back().end);
  // What is written is what whoever reads it would find, by all rules.
  const auto start = std::as_bytes(std::span(layout.start)).first<8>();
  header_size(start, layout.file_bytes, source);
  layout.tensors = read_tensor_table(text, layout.file_bytes, source);
  return layout;
}

}  // namespace revlora::tool
