#include "plan/nearest_names.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

#include "plan/wrapped_names.hpp"

namespace revlora::tool {

namespace {

// More endings, or longer ones, than any model has: what is beyond is not looked at.
constexpr std::size_t most_endings = 2000;
constexpr std::size_t longest_ending = 48;

std::string ending_of(std::string_view name) {
  std::vector<std::string_view> parts = name_parts(name);
  std::erase_if(parts, [](std::string_view part) {
    return std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c) != 0; });
  });
  if (parts.size() > 3) parts.erase(parts.begin(), parts.end() - 3);
  std::string ending = joined(parts);
  if (ending.size() > longest_ending) ending.erase(0, ending.size() - longest_ending);
  return ending;
}

/// The fewest letters to insert, remove or replace.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

nearest_names::nearest_names(const checkpoint& model) {
  for (const auto& [name, tensor] : model.tensors()) {
    if (by_ending_.size() == most_endings) break;
    by_ending_.try_emplace(ending_of(name), &name);
  }
}

std::string nearest_names::to(std::string_view name) const {
  const std::string wanted = ending_of(name);
  const std::string* nearest = nullptr;
  std::size_t least = wanted.size() / 2;  // what has less in common is no help
  for (const auto& [ending, stored] : by_ending_) {
    const std::size_t distance = edit_distance(wanted, ending);
    if (distance > least || (distance == least && nearest != nullptr)) continue;
    least = distance;
    nearest = stored;
  }
  return nearest == nullptr ? "" : *nearest;
}

}  // namespace revlora::tool
