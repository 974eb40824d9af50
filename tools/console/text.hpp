// What messages are made of: text that somebody else wrote, made fit for a terminal, and numbers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
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

/// "13.5 GB", with three digits or so.
std::string describe_bytes(std::uint64_t bytes);
/// "230,400"
std::string describe_count(std::uint64_t count);
/// "1 file", "2,000 files"
std::string counted(std::uint64_t count, const std::string& thing);
/// "[4096, 11008]"
std::string describe_shape(std::span<const std::uint64_t> shape);
/// "0.0354": a number with a fixed count of decimals.
std::string describe_number(double number, int decimals);
/// "0.1": a finite number with the fewest digits that tell it from others.
std::string describe_shortest(double number);
/// "8 s", "2 min 10 s", "1 h 5 min".
std::string describe_duration(double seconds);
/// "2026-03-14 15:09", in the user's time zone, of seconds since 1970.
std::string describe_time(std::uint64_t seconds);
/// "2.828": a number with four digits at most.
std::string describe_rounded(double number);
/// "0.4 %", with one decimal.
std::string percent(std::uint64_t part, std::uint64_t whole);

}  // namespace revlora::tool
