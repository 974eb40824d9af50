// The tensors that a plan has so far.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace revlora::tool {

class planned_tensors {
 public:
  /// The model has to outlive this object.
  explicit planned_tensors(const checkpoint& model) : model_(model) {}

  /// Null if nothing happens to it so far.
  const planned_tensor* find(const std::string& name) const;
  /// One of the model's. Throws a problem if nothing can be merged into it.
  planned_tensor& of(const std::string& name, const located_tensor& at);
  /// One that the model has not, in its last file. Of the same name there may be one already.
  planned_tensor& add(const std::string& name, const std::string& dtype,
                      std::vector<std::uint64_t> shape);
  /// In the order of files.
  std::vector<planned_tensor> take();

 private:
  const checkpoint& model_;
  std::map<std::string, planned_tensor> tensors_;
};

}  // namespace revlora::tool
