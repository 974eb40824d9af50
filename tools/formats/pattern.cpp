#define PCRE2_CODE_UNIT_WIDTH 8
#include "formats/pattern.hpp"

#include <pcre2.h>

#include <array>
#include <cctype>
#include <new>
#include <string_view>

#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"

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

/// What a match needs besides its text. Expressions with `.*` in three places take some 10 000
/// steps on the longest names of modules; hostile ones take exponentially many, or all memory.
class matcher {
 public:
  matcher() {
    if (!limits_ || !found_) throw std::bad_alloc();
    pcre2_set_match_limit(limits_.get(), 100'000);
    pcre2_set_heap_limit(limits_.get(), 16 * 1024);  // kibibytes
  }
  pcre2_match_context* limits() const { return limits_.get(); }
  pcre2_match_data* found() const { return found_.get(); }

 private:
  template <class Owned>
  using owner = std::unique_ptr<Owned, void (*)(Owned*)>;
  owner<pcre2_match_context> limits_{pcre2_match_context_create(nullptr), pcre2_match_context_free};
  owner<pcre2_match_data> found_{pcre2_match_data_create(1, nullptr), pcre2_match_data_free};
};

bool is_hexadecimal(std::string_view text, std::size_t position) {
  return position < text.size() && std::isxdigit(static_cast<unsigned char>(text[position]));
}

/// True if PCRE2 might understand an expression otherwise than Python does.
bool differs_from_python(std::string_view expression) {
  constexpr std::string_view shared_escapes = "AbBdDsSwWafnrtx";
  constexpr std::array<std::string_view, 7> shared_groups = {
      "?:", "?P<", "?P=", "?=", "?!", "?<=", "?<!"};
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const std::string_view rest = expression.substr(i + 1);
    if (expression[i] == '\\') {
      const bool letter = !rest.empty() && std::isalpha(static_cast<unsigned char>(rest[0]));
      if (letter && shared_escapes.find(rest[0]) == std::string_view::npos) return true;
      if (rest.starts_with('x') && !(is_hexadecimal(rest, 1) && is_hexadecimal(rest, 2)))
        return true;
      ++i;
    } else if (expression[i] == '(' && (rest.starts_with('?') || rest.starts_with('*'))) {
      bool known = false;
      for (const std::string_view group : shared_groups) known = known || rest.starts_with(group);
      if (!known) return true;
    } else if (expression[i] == '[' && (rest.starts_with(':') || rest.starts_with("[:"))) {
      return true;
    } else if (expression[i] == '{' && rest.starts_with(',')) {
      return true;
    }
  }
  return false;
}

}  // namespace

regular_expression::regular_expression(const std::string& expression) : expression_(expression) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* const code =
      pcre2_compile(units_of(expression), expression.size(), PCRE2_ANCHORED | PCRE2_UTF | PCRE2_UCP,
                    &error, &offset, nullptr);
  if (code == nullptr) {
    throw problem("the regular expression " + quoted(expression) +
                  " is not valid: " + explain(error));
  }
  code_ = std::shared_ptr<void>(
      code, [](void* owned) { pcre2_code_free(static_cast<pcre2_code*>(owned)); });
}

bool regular_expression::matches(const std::string& text) const {
  const auto* const code = static_cast<const pcre2_code*>(code_.get());
  thread_local const matcher matching;
  const int result =
      pcre2_match(code, units_of(text), text.size(), 0, 0, matching.found(), matching.limits());
  if (result == PCRE2_ERROR_NOMATCH) return false;
  if (result >= 0) return true;
  throw problem("cannot match " + quoted(text) + " with the regular expression " +
                quoted(expression_) + ": " + explain(result));
}

module_pattern::module_pattern(const nlohmann::ordered_json& object, const std::string& source)
    : source_(source) {
  constexpr std::size_t most = 1000;
  if (!object.is_object()) throw problem(source + " is not an object");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_number()) {
      throw problem(source + ": the value of " + quoted(key) + " is not a number");
    }
    if (!plain_.add(key, values_.size())) {
      if (differs_from_python("(" + key + ")")) {
        throw problem(source + ": the regular expression " + quoted(key) + " is not supported");
      }
      rules_.push_back({values_.size(), regular_expression("(.*\\.)?(" + key + ")$")});
    }
    values_.push_back(value.get<double>());
    if (plain_.form_count() + rules_.size() > most) {
      throw problem(source + ": more than " + std::to_string(most) + " regular expressions");
    }
  }
}

std::optional<double> module_pattern::find(const std::string& module) const {
  stop_if_interrupted();
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  std::size_t first = plain_.first_match(module).value_or(values_.size());
  for (const rule& candidate : rules_) {
    if (candidate.position > first) break;
    if (candidate.expression.matches(module)) first = candidate.position;
  }
  // Each match is bounded, but there are as many as modules and expressions together make.
  constexpr std::chrono::seconds longest(10);
  spent_ += clock::now() - start;
  if (spent_ > longest) throw problem(source_ + ": its regular expressions take too long");
  if (first == values_.size()) return {};
  return values_[first];
}

}  // namespace revlora::tool
