// Names of one tool and of another, as patterns that lead from either to the other.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/fused_rows.hpp"

namespace revlora::tool {

/// Modules; a part that is `*` is any number, the same on both sides. What `one` keeps as one
/// weight the other tool keeps as `parts`, in the order of rows; most have one.
struct name_pattern {
  std::string_view one;
  std::array<std::string_view, 4> parts;
  row_layout layout = row_layout::whole;
};

class name_patterns {
 public:
  /// What is pointed to has to outlive this object.
  name_patterns(std::span<const name_pattern> patterns, std::string rule);

  /// The other tool's names for a tensor that is named as by either of them.
  std::vector<other_name> other_names(std::string_view name) const;

 private:
  struct side {
    const name_pattern* pattern;
    std::string_view own;
    std::size_t part;
    bool is_one;
  };

  std::multimap<std::string, side> by_shape_;  ///< of their names with `*` for each number
  std::string rule_;
};

/// The numbers are replaced by `*`.
std::string without_numbers(std::string_view name);

}  // namespace revlora::tool
