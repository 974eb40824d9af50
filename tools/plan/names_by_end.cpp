#include "plan/names_by_end.hpp"

#include <algorithm>

namespace revlora::tool {

names_by_end::names_by_end(const std::vector<const std::string*>& names) {
  for (const std::string* name : names) entries_.push_back({{name->rbegin(), name->rend()}, name});
  std::sort(entries_.begin(), entries_.end(),
            [](const entry& a, const entry& b) { return a.reversed < b.reversed; });
}

std::span<const names_by_end::entry> names_by_end::ending_with(std::string_view end) const {
  const std::string start = std::string(end.rbegin(), end.rend()) + ".";
  const auto from =
      std::lower_bound(entries_.begin(), entries_.end(), start,
                       [](const entry& a, const std::string& b) { return a.reversed < b; });
  const auto to = std::partition_point(from, entries_.end(), [&](const entry& candidate) {
    return candidate.reversed.starts_with(start);
  });
  return {from, to};
}

}  // namespace revlora::tool
