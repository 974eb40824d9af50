// Names that differ by numbers only, such as those of a model's layers, as one line.
#pragma once

#include <string>
#include <vector>

namespace revlora::tool {

struct labelled_name {
  std::string name;
  std::string label;  ///< only names with equal labels come together: "BF16 [4096, 4096]"
};

struct name_group {
  std::string name;  ///< printable: "model.layers.0…31.mlp.up_proj.weight"
  std::string label;
  std::size_t count = 0;
};

/// In the order in which the names begin. A group says no more and no less than its names:
/// "0…3,7" are five.
std::vector<name_group> grouped(const std::vector<labelled_name>& names);
/// Each name by itself.
std::vector<name_group> ungrouped(const std::vector<labelled_name>& names);

/// A line for each.
std::string lines_of(const std::vector<name_group>& groups, const std::string& indentation);

}  // namespace revlora::tool
