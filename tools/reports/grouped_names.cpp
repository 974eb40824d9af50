#include "reports/grouped_names.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "console/text.hpp"

namespace revlora::tool {

namespace {

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

bool is_letter(char character) {
  const auto lower = static_cast<unsigned char>(character | 0x20);
  return (lower >= 'a' && lower <= 'z') || static_cast<unsigned char>(character) >= 0x80;
}

/// A name as the text between its numbers, and the numbers. Digits within a word, as in "conv1",
/// are no number; nor is what would be another text once it is read and written.
struct split_name {
  std::vector<std::string> texts;  ///< one more than numbers
  std::vector<std::uint64_t> numbers;
};

split_name split(const std::string& name) {
  constexpr std::size_t most_digits = 9;
  split_name parts;
  std::string text;
  for (std::size_t i = 0; i < name.size();) {
    std::size_t end = i;
    while (end < name.size() && is_digit(name[end])) ++end;
    const std::size_t digits = end - i;
    const bool stands_alone =
        (i == 0 || !is_letter(name[i - 1])) && (end == name.size() || !is_letter(name[end]));
    const bool is_number =
        digits > 0 && digits <= most_digits && stands_alone && (name[i] != '0' || digits == 1);
    if (is_number) {
      parts.texts.push_back(std::exchange(text, ""));
      parts.numbers.push_back(std::stoull(name.substr(i, digits)));
    } else {
      end = std::max(end, i + 1);
      text += name.substr(i, end - i);
    }
    i = end;
  }
  parts.texts.push_back(text);
  return parts;
}

/// "0…3,7"
std::string describe_numbers(const std::vector<std::uint64_t>& ascending) {
  std::string said;
  for (std::size_t i = 0; i < ascending.size();) {
    std::size_t last = i;
    while (last + 1 < ascending.size() && ascending[last + 1] == ascending[last] + 1) ++last;
    said += (said.empty() ? "" : ",") + std::to_string(ascending[i]);
    if (last > i) said += (last == i + 1 ? "," : "…") + std::to_string(ascending[last]);
    i = last + 1;
  }
  return said;
}

using number_tuples = std::vector<std::vector<std::uint64_t>>;

struct described_tuples {
  std::string name;
  std::size_t count;
  auto operator<=>(const described_tuples&) const = default;
};

/// The names of ascending tuples from their number at `position` on. Numbers that the same rest
/// follows come together.
std::vector<described_tuples> describe_tuples(const number_tuples& tuples, std::size_t position,
                                              const std::vector<std::string>& texts) {
  const std::string text = printable(texts[position]);
  if (position + 1 == texts.size()) return {{text, tuples.size()}};
  std::vector<std::pair<std::vector<described_tuples>, std::vector<std::uint64_t>>> by_rest;
  std::map<std::vector<described_tuples>, std::size_t> place_of;
  for (auto begin = tuples.begin(); begin != tuples.end();) {
    const std::uint64_t number = (*begin)[position];
    const auto end = std::find_if(begin, tuples.end(),
                                  [&](const auto& tuple) { return tuple[position] != number; });
    auto rest = describe_tuples({begin, end}, position + 1, texts);
    const auto [found, is_new] = place_of.try_emplace(rest, by_rest.size());
    if (is_new) by_rest.push_back({std::move(rest), {}});
    by_rest[found->second].second.push_back(number);
    begin = end;
  }
  std::vector<described_tuples> all;
  for (const auto& [rest, numbers] : by_rest) {
    for (const described_tuples& each : rest) {
      all.push_back({text + describe_numbers(numbers) + each.name, numbers.size() * each.count});
    }
  }
  return all;
}

}  // namespace

std::vector<name_group> grouped(const std::vector<labelled_name>& names) {
  struct alike {
    const std::string* label;
    std::vector<std::string> texts;
    number_tuples tuples;
  };
  std::vector<alike> all;
  std::map<std::pair<std::string, std::vector<std::string>>, std::size_t> place_of;
  for (const labelled_name& each : names) {
    split_name parts = split(each.name);
    const auto [found, is_new] = place_of.try_emplace({each.label, parts.texts}, all.size());
    if (is_new) all.push_back({&each.label, parts.texts, {}});
    all[found->second].tuples.push_back(std::move(parts.numbers));
  }
  std::vector<name_group> groups;
  for (alike& each : all) {
    std::sort(each.tuples.begin(), each.tuples.end());
    for (const auto& [name, count] : describe_tuples(each.tuples, 0, each.texts)) {
      groups.push_back({name, *each.label, count});
    }
  }
  return groups;
}

std::vector<name_group> ungrouped(const std::vector<labelled_name>& names) {
  std::vector<name_group> groups;
  for (const labelled_name& each : names) groups.push_back({printable(each.name), each.label, 1});
  return groups;
}

std::string lines_of(const std::vector<name_group>& groups, const std::string& indentation) {
  std::string lines;
  for (const name_group& each : groups) {
    lines += indentation + each.name + (each.label.empty() ? "" : "  " + each.label);
    if (each.count > 1) lines += "  (" + describe_count(each.count) + ")";
    lines += '\n';
  }
  return lines;
}

}  // namespace revlora::tool
