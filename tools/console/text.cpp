#include "console/text.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

namespace revlora::tool {

namespace {

constexpr std::size_t longest = 8192;  // twice the longest path

/// The length of the UTF-8 character that the text begins with and its number; 0 if it does not.
std::size_t first_character(std::string_view text, std::uint32_t& character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    character = lead;
    return 1;
  }
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  character = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    character = character << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
  return character < smallest[length] || character > 0x10ffff || is_surrogate ? 0 : length;
}

bool is_control(std::uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

bool changes_the_display(std::uint32_t character) {
  return is_control(character) || character == 0xad || character == 0x61c || character == 0xfeff ||
         (character >= 0x200b && character <= 0x200f) ||  // direction, and nothing at all
         (character >= 0x2028 && character <= 0x202e) ||
         (character >= 0x2060 && character <= 0x206f) || character == 0x180e ||
         (character >= 0xfff9 && character <= 0xfffb) ||  // annotations between lines
         (character >= 0xe0000 && character <= 0xe007f);
}

std::string escaped(const char* format, std::uint32_t number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, number);
  return text.data();
}

std::string escaped_control(std::uint32_t character) {
  if (character == '\n') return "\\n";
  if (character == '\t') return "\\t";
  if (character == '\r') return "\\r";
  return escaped(character < 0x100     ? "\\x%02x"
                 : character < 0x10000 ? "\\u%04x"
                                       : "\\U%08x",
                 character);
}

/// The start of the character that the byte at `position` belongs to, if it is one in UTF-8.
std::size_t start_of_character(std::string_view text, std::size_t position) {
  std::size_t start = position;
  while (start > 0 && position - start < 3 && (text[start] & 0xc0) == 0x80) --start;
  std::uint32_t character = 0;
  const std::size_t length = first_character(text.substr(start), character);
  return start + length > position ? start : position;
}

void append_printable(std::string_view text, std::string& shown) {
  while (!text.empty()) {
    std::uint32_t character = 0;
    const std::size_t length = first_character(text, character);
    if (length == 0) {
      shown += escaped("\\x%02x", static_cast<unsigned char>(text[0]));
    } else if (changes_the_display(character)) {
      shown += escaped_control(character);
    } else if (character == '\\') {
      shown += "\\\\";
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  if (text.size() <= longest) {
    append_printable(text, shown);
  } else {
    const std::size_t cut = start_of_character(text, longest / 2);
    const std::size_t end = start_of_character(text, text.size() - longest / 2);
    append_printable(text.substr(0, cut), shown);
    shown += " [" + std::to_string(end - cut) + " more bytes] ";
    append_printable(text.substr(end), shown);
  }
  return shown;
}

std::string quoted(std::string_view text) {
  std::string shown = "'";
  for (const char character : printable(text)) {
    if (character == '\'') shown += '\\';
    shown += character;
  }
  return shown + "'";
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    std::uint32_t character = 0;
    const std::size_t length = first_character(text, character);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool has_control_characters(std::string_view text) {
  while (!text.empty()) {
    std::uint32_t character = 0;
    const std::size_t length = first_character(text, character);
    if (length > 0 && is_control(character)) return true;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return false;
}

}  // namespace revlora::tool
