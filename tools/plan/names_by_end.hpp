// Names, found by how they end.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace revlora::tool {

class names_by_end {
 public:
  struct entry {
    std::string reversed;  ///< copied for the order: names that end alike are neighbours
    const std::string* name;
  };

  /// The names have to outlive this object. O(n log n).
  explicit names_by_end(const std::vector<const std::string*>& names);

  /// All names that are longer than `end` and end with a dot and it. O(log n).
  std::span<const entry> ending_with(std::string_view end) const;

 private:
  std::vector<entry> entries_;
};

}  // namespace revlora::tool
