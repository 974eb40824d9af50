// What somebody may have meant: of many names those that are most like another one.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "checkpoint/checkpoint.hpp"

namespace revlora::tool {

/// Compares what names end with, numbers aside: of a model's many layers one is looked at.
class nearest_names {
 public:
  explicit nearest_names(const checkpoint& model);

  /// The nearest name that the model has; empty if none is like it. Takes bounded time.
  std::string to(std::string_view name) const;

 private:
  std::map<std::string, const std::string*> by_ending_;
};

}  // namespace revlora::tool
