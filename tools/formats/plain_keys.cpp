#include "formats/plain_keys.hpp"

#include <algorithm>

namespace revlora::tool {

namespace {

bool is_literal(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '_' || character == '-';
}

/// The end of the module's name, as long as the key and with dots at the places of its plain dots;
/// nothing if the name is too short, or if another part of it is cut.
std::optional<std::string> end_of(std::string_view module, std::string_view dots, bool whole) {
  std::string end(dots);
  std::size_t begin = module.size();
  for (std::size_t i = dots.size(); i-- > 0;) {
    if (begin == 0) return {};
    --begin;
    if (dots[i] == '.') {  // matches a character, which may be several bytes
      while (begin > 0 && (static_cast<unsigned char>(module[begin]) & 0xc0) == 0x80) --begin;
    } else {
      end[i] = module[begin];
    }
  }
  if (begin > 0 && (whole || module[begin - 1] != '.')) return {};
  return end;
}

}  // namespace

bool plain_keys::add(std::string_view key, std::size_t position) {
  const bool whole = key.starts_with('^');
  if (whole) key.remove_prefix(1);
  std::string characters, dots;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool escaped_dot = key.substr(i).starts_with("\\.");
    if (!escaped_dot && !is_literal(key[i]) && key[i] != '.') return false;
    i += escaped_dot;
    characters += key[i];
    dots += key[i] == '.' && !escaped_dot ? '.' : ' ';
  }
  positions_[{dots, whole}].try_emplace(characters, position);
  return true;
}

std::optional<std::size_t> plain_keys::first_match(std::string_view module) const {
  std::optional<std::size_t> first;
  for (const auto& [form, positions] : positions_) {
    const auto end = end_of(module, form.dots, form.whole);
    if (!end) continue;
    const auto found = positions.find(*end);
    if (found != positions.end() && (!first || found->second < *first)) first = found->second;
  }
  return first;
}

}  // namespace revlora::tool
