// The rule by which PEFT finds the rank and the alpha of one module.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "formats/plain_keys.hpp"

namespace revlora::tool {

/// A compiled regular expression over UTF-8, matched from the start of the text like Python's
/// `re.match`.
class regular_expression {
 public:
  /// Throws a problem if the expression is not valid.
  explicit regular_expression(const std::string& expression);

  /// Throws a problem if that takes too long to find out.
  bool matches(const std::string& text) const;

 private:
  std::string expression_;
  std::shared_ptr<void> code_;
};

/// A `rank_pattern` or `alpha_pattern`: keys that are regular expressions, in the order of the
/// file.
///
/// The first key for which Python's `re.match(r"(.*\.)?(KEY)$", module)` succeeds wins: the key
/// must match the whole module name, or all of the name that follows some dot. Keys with syntax
/// that means something else in Python, or nothing at all, are refused rather than not matched, and
/// so are more than 1000 keys that no look-up finds: each module has to be tried with each.
class module_pattern {
 public:
  module_pattern() = default;  ///< without keys
  /// `object` must be an object of numbers; problems begin with `source`.
  module_pattern(const nlohmann::ordered_json& object, const std::string& source);

  /// `module` must be in UTF-8 and without line breaks. Throws a problem if all that was asked so
  /// far took longer than hostile expressions only can.
  std::optional<double> find(const std::string& module) const;

 private:
  struct rule {
    std::size_t position;  ///< among all keys
    regular_expression expression;
  };
  std::string source_;
  std::vector<double> values_;
  plain_keys plain_;
  std::vector<rule> rules_;  ///< of all other keys
  mutable std::chrono::nanoseconds spent_{0};
};

}  // namespace revlora::tool
