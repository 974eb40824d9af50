// What a tensor is to become, part by part.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "exchange/factor_shelf.hpp"
#include "exchange/kept_factor_reader.hpp"
#include "plan/plan.hpp"
#include "undo/undo_content.hpp"

namespace revlora::tool {

/// Values that an adapter has for a tensor.
struct goal_values {
  const adapter_files* files;
  stored_matrix values;
  float scale = 1;
  std::optional<std::vector<replaced_row>> rows = {};  ///< of the tensor; none: all
};

/// `rows × cols` elements of the tensor, from element `begin` on.
struct goal_window {
  std::uint64_t begin, rows, cols;
  std::vector<window_update> updates;
};

struct tensor_goal {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  bool is_new = false;  ///< the base has no such tensor
  revlora::recipe recipe = revlora::recipe::fused;
  std::optional<goal_values> replacement;
  std::vector<goal_values> differences;
  std::vector<kept_factors> factors;  ///< as an undo file knows them, but not embedded
  factor_shelf::reader load;
  std::vector<goal_window> windows;  ///< ascending, disjoint; what is between them is the base

  /// Whether bytes of the base have to be kept because no record leads back to them.
  bool replaces() const { return replacement || !differences.empty(); }
};

/// What a plan wants of a tensor. The adapters have to outlive it. Throws a problem if updates of
/// several adapters cut the tensor in ways that do not fit each other.
tensor_goal goal_of(const planned_tensor& planned, const std::vector<stored_adapter>& adapters);

/// What a merge made of a tensor; nothing if values took part that are not in the undo file. The
/// tensor, the merge and the reader have to outlive it.
std::optional<tensor_goal> goal_of(const undo_tensor& merged, const undo_merge& merge,
                                   kept_factor_reader& factors);

}  // namespace revlora::tool
