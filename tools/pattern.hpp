// The rule by which PEFT finds the rank and the alpha of one module.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace revlora::tool {

/// A compiled regular expression over UTF-8, matched from the start of the text like Python's
/// `re.match`. Throws a problem if the expression is not valid.
class regular_expression {
 public:
  explicit regular_expression(const std::string& expression);

  /// The whole match and its groups, empty strings for groups that took no part; or nothing.
  std::optional<std::vector<std::string>> match(const std::string& text) const;

 private:
  std::shared_ptr<void> code_;
};

/// A `rank_pattern` or `alpha_pattern`: keys that are regular expressions, in the order of the
/// file.
///
/// The first key for which Python's `re.match(r"(.*\.)?(KEY)$", module)` succeeds wins: the key
/// must match the whole module name, or all of the name that follows some dot. Keys with syntax
/// that means something else in Python, or nothing at all, are refused rather than not matched.
class module_pattern {
 public:
  /// `object` must be an object of numbers; problems begin with `source`.
  module_pattern(const nlohmann::ordered_json& object, const std::string& source);

  std::optional<double> find(const std::string& module) const;

 private:
  struct rule {
    regular_expression expression;
    double value;
  };
  std::vector<rule> rules_;
};

}  // namespace revlora::tool
