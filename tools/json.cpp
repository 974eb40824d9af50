#include "json.hpp"

#include <set>
#include <vector>

#include "problem.hpp"

namespace revlora::tool {

template <class Json>
Json parse_object(std::string_view text, const std::string& source) {
  std::vector<std::set<std::string>> open_objects;
  const auto watch = [&](int, typename Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) {
      open_objects.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      open_objects.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto& key = value.template get_ref<const std::string&>();
      if (!open_objects.back().insert(key).second) {
        throw problem(source + ": the key '" + key + "' appears twice");
      }
    }
    return true;
  };
  try {
    Json parsed = Json::parse(text, watch);
    if (!parsed.is_object()) throw problem(source + ": not a JSON object");
    return parsed;
  } catch (const nlohmann::json::parse_error& error) {
    throw problem(source + ": not valid JSON (near byte " + std::to_string(error.byte) + ")");
  } catch (const nlohmann::json::out_of_range&) {
    throw problem(source + ": a number is out of range");
  }
}

template nlohmann::json parse_object(std::string_view, const std::string&);
template nlohmann::ordered_json parse_object(std::string_view, const std::string&);

}  // namespace revlora::tool
