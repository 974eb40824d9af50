// Which adapters change which tensor of a model: everything that can be known, and refused, before
// anything is written.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "formats/stored_adapter.hpp"
#include "plan/oriented_factors.hpp"

namespace revlora::tool {

struct planned_update {
  std::size_t adapter;  ///< index into the list that the plan was made of
  const adapter_update* update;
  orientation where;
  float strength;
};

struct planned_tensor {
  std::string name;
  std::size_t shard;
  tensor entry;
  matrix_shape shape;
  std::vector<planned_update> updates;  ///< in the order of the adapters
};

class merge_plan {
 public:
  /// The adapters must outlive the plan. `strengths` has one number for each adapter, in front of
  /// the adapter's own scale. Throws a problem if a module has no tensor, a shape or type does not
  /// fit, or a strength is not finite.
  merge_plan(const checkpoint& model, const std::vector<stored_adapter>& adapters,
             const std::vector<double>& strengths);

  /// Sorted by shard, then by position in the file.
  const std::vector<planned_tensor>& tensors() const { return tensors_; }
  std::uint64_t weight_bytes() const;
  std::uint64_t weight_count() const;

  /// The factors of one tensor, ready for the library.
  std::vector<oriented_factors> factors_of(const planned_tensor& planned) const;

 private:
  const std::vector<stored_adapter>& adapters_;
  std::vector<planned_tensor> tensors_;
};

/// Views of all factors: what the library's calls take.
std::vector<adapter> views_of(const std::vector<oriented_factors>& factors);

}  // namespace revlora::tool
