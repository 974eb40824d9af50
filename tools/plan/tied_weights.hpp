// Weights that are two names for one matrix: a model's output layer is often its embedding.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace revlora::tool {

class tied_weights {
 public:
  explicit tied_weights(const checkpoint& model);

  /// The name of the embedding, if `name` is not in the model and means the same matrix.
  const std::string* stand_in(const std::string& name) const;
  /// The name of the other one, if both are stored and config.json says that they are one.
  const std::string* twin(const std::string& name) const;
  /// Whether a tensor of the model is the embedding and the output layer in one.
  bool has(const std::string& name) const;

 private:
  const std::string* embedding_ = nullptr;
  const std::string* head_ = nullptr;
  bool is_tied_ = false;
};

}  // namespace revlora::tool
