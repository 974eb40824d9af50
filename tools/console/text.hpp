// Text that somebody else wrote, made fit for a terminal.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace revlora::tool {

/// The text with everything escaped that could change what a terminal shows: control characters,
/// characters that change the direction of writing, and bytes that are no UTF-8, as \n, \x1b or
/// \u202e; a backslash is doubled. Very long texts lose their middle.
std::string printable(std::string_view text);

/// The same in single quotes, as names and paths appear in all messages; a single quote in it is
/// escaped too, or a name could continue the message.
std::string quoted(std::string_view text);

// Strings have overloads of their own, or std::quoted would be found instead.
inline std::string quoted(std::string& text) {
  return quoted(std::string_view(text));
}
inline std::string printable(const std::string& text) {
  return printable(std::string_view(text));
}
inline std::string quoted(const std::string& text) {
  return quoted(std::string_view(text));
}
inline std::string printable(const char* text) {
  return printable(std::string_view(text));
}
inline std::string quoted(const char* text) {
  return quoted(std::string_view(text));
}
inline std::string printable(const std::filesystem::path& path) {
  return printable(std::string_view(path.native()));
}
inline std::string quoted(const std::filesystem::path& path) {
  return quoted(std::string_view(path.native()));
}

/// Whether the text is valid UTF-8.
bool is_utf8(std::string_view text);

/// Whether a text in UTF-8 has characters below U+0020 or from U+007F to U+009F.
bool has_control_characters(std::string_view text);

}  // namespace revlora::tool
