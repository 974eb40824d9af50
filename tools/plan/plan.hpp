// Which adapters change which tensor of a model, and how: everything that can be known, and
// refused, before anything is written. From here on nobody asks what format an adapter had.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "formats/stored_adapter.hpp"
#include "plan/factor_source.hpp"
#include "revlora/adapter.hpp"

namespace revlora::tool {

/// How D is added: by one of the library's recipes, or as PEFT's merge does it, which depends on
/// the kind of layer.
enum class recipe_choice { fused, rounded_delta, peft };

struct plan_options {
  std::vector<double> strengths;  ///< one for each adapter, in front of its own scales
  recipe_choice recipe = recipe_choice::fused;
  std::optional<bool> fan_in_fan_out = {};  ///< what the user says of square weights
  bool allow_unused = false;                ///< go on without what cannot be merged, and say so
  /// Tensors that are merged with something else now: their numbers are not those of the base.
  std::set<std::string> merged_tensors = {};
};

/// A part of a tensor: `rows × cols` elements, the rows one behind the other, from element `begin`
/// on. The whole of a matrix, some rows of it, one expert of a stack, or some rows of that.
struct tensor_region {
  std::uint64_t begin = 0;
  std::uint64_t rows = 0;
  std::uint64_t cols = 0;

  bool operator==(const tensor_region&) const = default;
};

/// Region ← region + D, of an update whose factors are seen as the region lies.
struct planned_update {
  tensor_region region;
  factor_source factors;
};

/// Tensor ← tensor + scale · difference, of the tensor's shape.
struct planned_difference {
  std::size_t adapter;
  stored_matrix values;  ///< as many rows as the tensor has, or 1 of a scalar
  float scale;
};

/// A row of a tensor, and which row of the values takes its place.
struct replaced_row {
  std::uint64_t row = 0;
  std::uint64_t value = 0;

  bool operator==(const replaced_row&) const = default;
};

/// The values take the place of the tensor, or of some of its rows.
struct planned_replacement {
  std::size_t adapter;
  stored_matrix values;
  std::optional<std::vector<replaced_row>> rows;  ///< ascending, each once
};

/// What happens to a tensor, in this order: replacement, differences, updates.
struct planned_tensor {
  std::string name;  ///< as the checkpoint finds it
  std::size_t shard;
  tensor entry;                      ///< at the base; of a new tensor of no bytes
  bool is_new = false;               ///< it is not in the base
  std::vector<std::uint64_t> shape;  ///< afterwards; not that of `entry` if it grows or is new
  std::optional<planned_replacement> replacement;
  std::vector<planned_difference> differences;
  std::vector<planned_update> updates;  ///< in the order of the adapters
  revlora::recipe recipe = revlora::recipe::fused;
};

class merge_plan {
 public:
  /// The adapters must outlive the plan. Throws a problem if anything of an adapter has no place in
  /// the model, or no certain one.
  merge_plan(const checkpoint& model, const std::vector<stored_adapter>& adapters,
             const plan_options& options);

  /// Sorted by shard, then by position in the file; new ones last in their shard.
  const std::vector<planned_tensor>& tensors() const { return tensors_; }
  /// What the user should know of how names were matched, weights turned, and parts left out.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  std::vector<planned_tensor> tensors_;
  std::vector<std::string> notes_;
};

}  // namespace revlora::tool
