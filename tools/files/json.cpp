#include "files/json.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

// Whoever visits a tree recurses. Configurations of adapters are 4 levels deep.
constexpr std::size_t deepest = 32;

/// Builds the tree. nlohmann's own parser is quadratic in the keys of an object, because it looks
/// each of them up among those before it.
class tree_builder : public json_reader {
 public:
  using json_reader::json_reader;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    object().emplace_back(std::move(name), nullptr);
    return true;
  }

  bool end_object() override {
    std::vector<std::string_view> keys;
    for (const auto& [name, value] : object()) keys.push_back(name);
    refuse_repeated(std::move(keys), source());
    return close();
  }

  json root;

 private:
  json::object_t& object() { return open_.back()->get_ref<json::object_t&>(); }

  /// Where the next value goes: pointers stay valid, because only the innermost open one grows.
  json& place() {
    if (open_.empty()) return root;
    json& inside = *open_.back();
    if (inside.is_object()) return object().back().second;
    return inside.get_ref<json::array_t&>().emplace_back();
  }

  bool add(json value) {
    place() = std::move(value);
    return true;
  }

  bool open(json value) {
    if (open_.size() == deepest) {
      throw problem(source() + ": nested more than " + std::to_string(deepest) + " levels deep");
    }
    json& opened = place() = std::move(value);
    open_.push_back(&opened);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string complaint() const override { return source() + ": not JSON as text"; }

  std::vector<json*> open_;
};

}  // namespace

void json_reader::read(std::string_view text) {
  nlohmann::ordered_json::sax_parse(text, this);
}

void json_reader::refuse() const {
  throw problem(complaint());
}

bool json_reader::parse_error(std::size_t position, const std::string&,
                              const nlohmann::detail::exception& error) {
  constexpr int number_overflow = 406;
  if (error.id == number_overflow) throw problem(source_ + ": a number is out of range");
  throw problem(source_ + ": not valid JSON (near byte " + std::to_string(position) + ")");
}

nlohmann::ordered_json parse_object(std::string_view text, const std::string& source) {
  tree_builder builder(source);
  builder.read(text);
  if (!builder.root.is_object()) throw problem(source + ": not a JSON object");
  return std::move(builder.root);
}

void refuse_repeated(std::vector<std::string_view> keys, const std::string& source) {
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) {
    throw problem(source + ": the key " + quoted(*twice) + " appears twice");
  }
}

}  // namespace revlora::tool
