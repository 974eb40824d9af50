// JSON that somebody else wrote: parsed strictly, and refused with the file's name.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace revlora::tool {

/// Parses one JSON object. Throws a problem that begins with `source` if the text is not valid
/// JSON, is not an object, or has a key twice in any of its objects: which of the two values counts
/// would be anybody's guess. `Json` is nlohmann::json, or nlohmann::ordered_json where order has
/// meaning.
template <class Json>
Json parse_object(std::string_view text, const std::string& source);

}  // namespace revlora::tool
