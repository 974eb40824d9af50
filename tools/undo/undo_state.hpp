// What a model is to an undo file: at the base, merged, something between, or something else.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "undo/undo_file.hpp"

namespace revlora::tool {

enum class tensor_state {
  base,
  merged,
  both,  ///< the merge changed nothing in this tensor, so that its base and merged states are one
  other  ///< not in the model, of another shape, or changed by somebody
};

struct model_state {
  std::vector<tensor_state> tensors;  ///< one for each tensor of the undo file

  bool any(tensor_state state) const;
  /// Everything is merged, or everything is at the base, or some of each after a crash.
  bool is_base() const { return !any(tensor_state::merged) && !any(tensor_state::other); }
  bool is_merged() const { return !any(tensor_state::base) && !any(tensor_state::other); }
  /// In words, for reports.
  std::string describe() const;
  /// The first tensor in the given state; there must be one.
  const merged_tensor& first(tensor_state state, const undo_file& undo) const;
};

/// Reads every tensor that the undo file knows, once.
model_state compare(const checkpoint& model, const undo_file& undo);

}  // namespace revlora::tool
