// Which way a square weight lies: `[out, in]`, as torch's Linear keeps it, or `[in, out]`, as
// GPT-2's Conv1D does. Its shape does not tell, and what an adapter says is what the last of its
// modules, or a recipe, left: other weights tell.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace revlora::tool {

class orientation_evidence {
 public:
  /// Learns from weights that are not square, by their biases or by what is known of their names,
  /// whether or not an adapter is for them; from stacks of experts; and from the family that
  /// config.json says.
  explicit orientation_evidence(const checkpoint& model);

  /// That an adapter's factors fit this weight in one way only.
  void learn(const std::string& tensor, bool is_transposed);

  struct verdict {
    bool is_transposed;
    std::string reason;  ///< "as c_attn of the same layers"
  };
  std::optional<verdict> of(const std::string& tensor) const;

 private:
  struct votes {
    std::string plain;  ///< a tensor that lies so; empty if none does
    std::string transposed;
  };
  /// Of weights of one kind in one tower of layers, of all in a tower, and of a kind anywhere.
  struct ballot {
    std::map<std::string, votes> kinds_in_towers, towers, kinds;

    void add(const std::string& tensor, bool is_transposed);
  };

  void learn_from_layers(const checkpoint& model);
  void learn_from_stacks(const checkpoint& model);

  ballot by_adapter_;
  ballot by_model_;
  bool knows_family_ = false;
  bool family_has_conv1d_ = false;
};

}  // namespace revlora::tool
