#include "console/nearest_word.hpp"

#include <algorithm>

#include "console/text.hpp"

namespace revlora::tool {

namespace {

/// How many letters have to be put in, left out, replaced or exchanged with their neighbour.
std::size_t distance(const std::string& from, const std::string& to) {
  const std::size_t width = to.size() + 1;
  std::vector<std::size_t> two_above(width), above(width), row(width);
  for (std::size_t j = 0; j < width; ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    two_above.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j < width; ++j) {
      const std::size_t replaced = above[j - 1] + (from[i - 1] != to[j - 1] ? 1 : 0);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool is_exchanged =
          i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (is_exchanged) row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest_word(const std::string& written,
                                        const std::vector<std::string>& known) {
  constexpr std::size_t longest = 64;  // no word of ours is, and it would only take time
  if (written.empty() || written.size() > longest) return {};
  std::optional<std::string> nearest;
  std::size_t least = (written.size() + 1) / 3 + 1;
  for (const std::string& word : known) {
    const bool is_longer_or_shorter =
        written.size() > 2 && (word.starts_with(written) || written.starts_with(word));
    const std::size_t letters = is_longer_or_shorter ? 1 : distance(written, word);
    if (letters >= least) continue;
    least = letters;
    nearest = word;
  }
  return nearest;
}

std::string did_you_mean(const std::string& written, const std::vector<std::string>& known) {
  const auto nearest = nearest_word(written, known);
  return nearest ? ": did you mean " + quoted(*nearest) + "?" : "";
}

}  // namespace revlora::tool
