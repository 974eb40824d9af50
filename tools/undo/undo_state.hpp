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

/// One tensor of an undo file, and what it is in the model.
struct tensor_condition {
  const undo_shard* shard;    ///< the file that it was in
  const undo_tensor* tensor;  ///< as the last merge that fits it left it
  const undo_merge* merge;    ///< that merge
  tensor_state state;
};

struct model_state {
  std::vector<tensor_condition> tensors;  ///< each name once
  std::vector<const undo_text*> texts;    ///< that are as a merge left them
  const undo_merge* merge;  ///< that has made of the model what it is, or else the last
  bool is_whole;            ///< it has got to all of its files, and no other to one

  bool any(tensor_state state) const;
  /// Everything is merged, or everything is at the base, or some of each after a crash.
  bool is_base() const { return !any(tensor_state::merged) && !any(tensor_state::other); }
  bool is_merged() const {
    return is_whole && !any(tensor_state::base) && !any(tensor_state::other);
  }
  /// In words, for reports.
  std::string describe() const;
  /// The first tensor in the given state; there must be one.
  const tensor_condition& first(tensor_state state) const;
};

/// Reads every tensor that the undo file knows, once for each merge that it has a record of. The
/// undo file has to outlive what is returned; `opened` is that file.
model_state compare(const checkpoint& model, const undo_file& undo, const file& opened);

}  // namespace revlora::tool
