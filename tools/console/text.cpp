#include "console/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "console/utf8.hpp"

namespace revlora::tool {

namespace {

constexpr std::size_t longest = 8192;  // twice the longest path

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

std::string describe_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units = {"bytes", "kB", "MB", "GB", "TB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1000 && unit + 1 < units.size()) {
    amount /= 1000;
    ++unit;
  }
  return describe_number(amount, unit == 0 || amount >= 100 ? 0 : 1) + " " + units[unit];
}

std::string describe_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string describe_shape(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (const std::uint64_t extent : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(extent);
  }
  return text + "]";
}

std::string describe_number(double number, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return text.data();
}

std::string counted(std::uint64_t count, const std::string& thing) {
  return describe_count(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string describe_shortest(double number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.begin(), text.end(), number).ptr;
  return {text.begin(), end};
}

std::string describe_rounded(double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.4g", number);
  return text.data();
}

std::string describe_duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, std::ceil(seconds)));
  const auto two = [](std::uint64_t first, const char* unit, std::uint64_t second,
                      const char* smaller) {
    const std::string rest = second == 0 ? "" : " " + std::to_string(second) + smaller;
    return std::to_string(first) + unit + rest;
  };
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return two(whole / 60, " min", whole % 60, " s");
  return two(whole / 3600, " h", whole % 3600 / 60, " min");
}

std::string describe_time(std::uint64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  struct tm parts = {};
  if (::localtime_r(&time, &parts) == nullptr) return "?";
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts)};
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return describe_number(100 * static_cast<double>(part) / static_cast<double>(whole), 1) + " %";
}

}  // namespace revlora::tool
