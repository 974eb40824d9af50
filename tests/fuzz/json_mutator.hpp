// Changes JSON as somebody would who knows what it is about, so that it stays JSON.
#pragma once

#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace revlora::tests {

class json_mutator {
 public:
  using json = nlohmann::ordered_json;

  explicit json_mutator(unsigned seed) : random_(seed) {}

  /// The text with one change; as it is, if it is not JSON.
  std::string mutate(const std::string& text) {
    json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return text;
    std::vector<json*> nodes;
    collect(document, nodes);
    json& node = *pick(nodes);
    const json other = *pick(nodes);
    if (below(3) == 0) {
      node = below(2) == 0 ? other : pick(values());
    } else if (node.is_object()) {
      change(node.get_ref<json::object_t&>(), other);
    } else if (node.is_array()) {
      change(node.get_ref<json::array_t&>(), other);
    } else if (node.is_string()) {
      const json fragment = pick(values());
      if (fragment.is_string()) node = node.get<std::string>() + fragment.get<std::string>();
    } else if (node.is_number_unsigned()) {
      const auto number = node.get<std::uint64_t>();
      node = below(2) == 0 ? number + 1 : below(2) == 0 ? number - 1 : number * 2;
    }
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  template <class List>
  typename List::const_reference pick(const List& list) {
    return *std::next(list.begin(), static_cast<long>(below(list.size())));
  }

  static void collect(json& node, std::vector<json*>& nodes) {
    nodes.push_back(&node);
    if (!node.is_structured()) return;
    for (json& child : node) collect(child, nodes);
  }

  void change(json::object_t& object, const json& other) {
    const json name = pick(values());
    const std::string key = name.is_string() ? name.get<std::string>() : "m";
    if (object.empty() || below(4) == 0) {
      object.emplace_back(key, other);
    } else if (below(3) == 0) {
      object.erase(object.begin() + static_cast<long>(below(object.size())));
    } else if (below(2) == 0) {
      object.emplace_back(pick(object).first, other);  // a key twice
    } else {
      const auto renamed = pick(object);
      object.erase(renamed.first);
      object.emplace_back(below(2) == 0 ? renamed.first + key : key, renamed.second);
    }
  }

  void change(json::array_t& array, const json& other) {
    if (array.empty() || below(2) == 0) {
      array.push_back(other);
    } else {
      array.erase(array.begin() + static_cast<long>(below(array.size())));
    }
  }

  /// Values at the limits, and words of the formats.
  static const json& values() {
    static const json list = json::parse(R"json([
      0, 1, 2, 3, 8, -1, 0.5, 1e308, -1e-300, 2147483648, 4294967296, 9007199254740992,
      9223372036854775807, 9223372036854775808, 18446744073709551615, null, true, false,
      [], {}, [0, 0], [2, 3], [2, 3, 1], [[[]]],
      "", ".", "..", "/", "a/b", "\n", "\u001b[2J", "\u0000", "\u009b", "\u202e", "ü", "'",
      "F32", "F16", "BF16", "U8", "F4", "__metadata__", "dtype", "shape", "data_offsets",
      "base_model.model.", "m", ".m", "x.m", "weight", ".weight", ".lora_A", ".lora_B",
      ".lora_embedding_A", ".base_layer", "weight_map",
      "none", "LORA", "gaussian", "r", "lora_alpha", "rank_pattern", "alpha_pattern",
      "use_rslora", "use_x", "x_config",
      ".*", "(", ")", "[a-z]", "(a+)+", "(?:", "(?=", "(?P<n>", "\\d", "\\.", "\\", "^", "|", "$",
      "{2,9}", "?", "*", "[", "]",
      "model", "adapters", "tensors", "files", "file", "name", "path", "strength", "changed",
      "record_bytes", "device", "inode", "modified", "base_inode", "base_changed"])json");
    return list;
  }

  std::minstd_rand random_;
};

}  // namespace revlora::tests
