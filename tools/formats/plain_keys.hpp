// Keys of a pattern that are names, not regular expressions: found by a look-up, because adapters
// with a rank of its own for each module have as many keys as modules.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace revlora::tool {

/// Keys of ASCII letters, digits, '_', '-', escaped dots, and plain dots, which match any
/// character. A '^' in front says that no part of the module's name may precede the key.
class plain_keys {
 public:
  /// Takes the key in, or returns false if it is of another kind. `position` is its place among all
  /// keys; they have to be added in ascending order.
  bool add(std::string_view key, std::size_t position);

  /// The first of these keys that matches the module, as module_pattern has it. Takes time in
  /// proportion to the number of forms.
  std::optional<std::size_t> first_match(std::string_view module) const;

  /// How many forms the keys have: lengths, and places of the plain dots.
  std::size_t form_count() const { return positions_.size(); }

 private:
  struct form {
    std::string dots;  ///< as long as the key, '.' where it has a plain dot
    bool whole;        ///< it began with '^'

    auto operator<=>(const form&) const = default;
  };

  /// By form, and by what the key says at other places than plain dots.
  std::map<form, std::map<std::string, std::size_t>> positions_;
};

}  // namespace revlora::tool
