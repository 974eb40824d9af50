// UTF-8, character by character.
#pragma once

#include <cstdint>
#include <string_view>

namespace revlora::tool {

/// The length of the UTF-8 character that the text begins with and its number; 0 if it does not.
std::size_t first_character(std::string_view text, std::uint32_t& character);

/// Below U+0020, or from U+007F to U+009F.
bool is_control(std::uint32_t character);

/// Whether the text is valid UTF-8.
bool is_utf8(std::string_view text);

/// Whether a text in UTF-8 has control characters.
bool has_control_characters(std::string_view text);

}  // namespace revlora::tool
