#include "plan/name_patterns.hpp"

#include <algorithm>

#include "plan/wrapped_names.hpp"

namespace revlora::tool {

namespace {

bool is_number(std::string_view part) {
  return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
}

/// The numbers that a name has for the stars of a pattern of the same shape; false if it has
/// another number than the pattern.
bool read_stars(std::string_view pattern, std::string_view name,
                std::vector<std::string_view>& stars) {
  const auto wanted = name_parts(pattern), given = name_parts(name);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "*") {
      stars.push_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return false;
    }
  }
  return true;
}

std::string fill(std::string_view pattern, std::span<const std::string_view> stars) {
  std::vector<std::string_view> parts = name_parts(pattern);
  std::size_t next = 0;
  for (std::string_view& part : parts) {
    if (part == "*" && next < stars.size()) part = stars[next++];
  }
  return joined(parts);
}

std::size_t count_of(const name_pattern& pattern) {
  return static_cast<std::size_t>(std::ranges::find(pattern.parts, std::string_view()) -
                                  pattern.parts.begin());
}

}  // namespace

std::string without_numbers(std::string_view name) {
  std::vector<std::string_view> parts = name_parts(name);
  for (std::string_view& part : parts) {
    if (is_number(part)) part = "*";
  }
  return joined(parts);
}

name_patterns::name_patterns(std::span<const name_pattern> patterns, std::string rule)
    : rule_(std::move(rule)) {
  for (const name_pattern& pattern : patterns) {
    by_shape_.insert({without_numbers(pattern.one), {&pattern, pattern.one, 0, true}});
    for (std::size_t i = 0; i < count_of(pattern); ++i) {
      const std::string_view part = pattern.parts[i];
      by_shape_.insert({without_numbers(part), {&pattern, part, i, false}});
    }
  }
}

std::vector<other_name> name_patterns::other_names(std::string_view name) const {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view module = name.substr(0, dot), parameter = name.substr(dot);
  std::vector<other_name> names;
  const auto [begin, end] = by_shape_.equal_range(without_numbers(module));
  for (auto found = begin; found != end; ++found) {
    const auto& [pattern, own, part, is_one] = found->second;
    std::vector<std::string_view> stars;
    if (!read_stars(own, module, stars)) continue;
    const std::size_t count = count_of(*pattern);
    // Biases are fused like weights, but nothing is merged into parts of them.
    if (count > 1 && parameter != ".weight") continue;
    const auto add = [&, pattern = pattern, is_one = is_one](std::string_view other,
                                                             std::size_t its_part) {
      names.push_back({"",
                       fill(other, stars) + std::string(parameter),
                       {pattern->layout, its_part, count},
                       !is_one && count > 1,
                       rule_});
    };
    if (!is_one) {
      add(pattern->one, part);
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) add(pattern->parts[i], i);
  }
  return names;
}

}  // namespace revlora::tool
