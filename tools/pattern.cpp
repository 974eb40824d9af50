#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.hpp"

#include <pcre2.h>

#include <array>
#include <string_view>

#include "problem.hpp"

namespace revlora::tool {

namespace {

std::string explain(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

PCRE2_SPTR units_of(const std::string& text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

/// True if PCRE2 might understand `key` otherwise than Python does.
bool differs_from_python(std::string_view key) {
  constexpr std::string_view shared_escapes = "AbBdDsSwWafnrtx";
  constexpr std::array<std::string_view, 7> shared_groups = {
      "?:", "?P<", "?P=", "?=", "?!", "?<=", "?<!"};
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::string_view rest = key.substr(i + 1);
    if (key[i] == '\\') {
      const bool letter = !rest.empty() && std::isalpha(static_cast<unsigned char>(rest[0]));
      if (letter && shared_escapes.find(rest[0]) == std::string_view::npos) return true;
      if (rest.starts_with("x{")) return true;
      ++i;
    } else if (key[i] == '(' && (rest.starts_with('?') || rest.starts_with('*'))) {
      bool known = false;
      for (const std::string_view group : shared_groups) known = known || rest.starts_with(group);
      if (!known) return true;
    } else if (key[i] == '[' && (rest.starts_with(':') || rest.starts_with("[:"))) {
      return true;
    } else if (key[i] == '{' && rest.starts_with(',')) {
      return true;
    }
  }
  return false;
}

}  // namespace

regular_expression::regular_expression(const std::string& expression) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* const code =
      pcre2_compile(units_of(expression), expression.size(), PCRE2_ANCHORED | PCRE2_UTF | PCRE2_UCP,
                    &error, &offset, nullptr);
  if (code == nullptr) {
    throw problem("the regular expression '" + expression + "' is not valid: " + explain(error));
  }
  code_ = std::shared_ptr<void>(
      code, [](void* owned) { pcre2_code_free(static_cast<pcre2_code*>(owned)); });
}

std::optional<std::vector<std::string>> regular_expression::match(const std::string& text) const {
  const auto* const code = static_cast<const pcre2_code*>(code_.get());
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> found(
      pcre2_match_data_create_from_pattern(code, nullptr), pcre2_match_data_free);
  const int result = pcre2_match(code, units_of(text), text.size(), 0, 0, found.get(), nullptr);
  if (result == PCRE2_ERROR_NOMATCH) return {};
  if (result < 0) throw problem("cannot match '" + text + "': " + explain(result));
  const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(found.get());
  std::vector<std::string> groups(pcre2_get_ovector_count(found.get()));
  for (std::size_t i = 0; i < static_cast<std::size_t>(result); ++i) {
    if (ends[2 * i] == PCRE2_UNSET) continue;
    groups[i] = text.substr(ends[2 * i], ends[2 * i + 1] - ends[2 * i]);
  }
  return groups;
}

module_pattern::module_pattern(const nlohmann::ordered_json& object, const std::string& source) {
  if (!object.is_object()) throw problem(source + " is not an object");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_number()) throw problem(source + ": the value of '" + key + "' is not a number");
    if (differs_from_python(key)) {
      throw problem(source + ": the regular expression '" + key + "' is not supported");
    }
    rules_.push_back({regular_expression("(.*\\.)?(" + key + ")$"), value.get<double>()});
  }
}

std::optional<double> module_pattern::find(const std::string& module) const {
  for (const rule& candidate : rules_) {
    if (candidate.expression.match(module)) return candidate.value;
  }
  return {};
}

}  // namespace revlora::tool
