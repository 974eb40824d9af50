// Which parts of which tensors have an update.
#pragma once

#include <iterator>
#include <map>
#include <string>

#include "plan/plan.hpp"

namespace revlora::tool {

class taken_regions {
 public:
  /// False if some of the region was taken before.
  bool take(const std::string& tensor, const tensor_region& region) {
    auto& taken = taken_[tensor];
    const std::uint64_t end = region.begin + region.rows * region.cols;
    const auto next = taken.lower_bound(region.begin);
    if (next != taken.end() && next->first < end) return false;
    if (next != taken.begin() && std::prev(next)->second > region.begin) return false;
    return taken.try_emplace(region.begin, end).second;
  }

 private:
  /// Of each tensor from where to where, in elements.
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> taken_;
};

}  // namespace revlora::tool
