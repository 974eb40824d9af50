#include "plan/planned_tensors.hpp"

#include <algorithm>
#include <tuple>

#include "plan/mergeable.hpp"

namespace revlora::tool {

const planned_tensor* planned_tensors::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

planned_tensor& planned_tensors::of(const std::string& name, const located_tensor& at) {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  check_mergeable(model_, name, at);
  planned_tensor planned{name, at.shard, at.entry, false, at.entry.shape, {}, {}, {}};
  return tensors_.emplace(name, std::move(planned)).first->second;
}

planned_tensor& planned_tensors::add(const std::string& name, const std::string& dtype,
                                     std::vector<std::uint64_t> shape) {
  tensor entry;
  entry.name = name;
  entry.dtype = dtype;
  entry.shape = {0};
  const std::size_t last = model_.shards().size() - 1;
  planned_tensor planned{name, last, std::move(entry), true, std::move(shape), {}, {}, {}};
  return tensors_.emplace(name, std::move(planned)).first->second;
}

std::vector<planned_tensor> planned_tensors::take() {
  std::vector<planned_tensor> sorted;
  for (auto& [name, planned] : tensors_) sorted.push_back(std::move(planned));
  std::ranges::sort(sorted, [](const planned_tensor& a, const planned_tensor& b) {
    return std::tie(a.shard, a.is_new, a.entry.begin, a.name) <
           std::tie(b.shard, b.is_new, b.entry.begin, b.name);
  });
  return sorted;
}

}  // namespace revlora::tool
