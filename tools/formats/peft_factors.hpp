// The factors of one module in PEFT's files, and the updates that they are.
#pragma once

#include <string>
#include <vector>

#include "formats/peft_config.hpp"
#include "formats/stored_adapter.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

struct factor_pair {
  layer_kind kind = layer_kind::linear;
  const tensor* a = nullptr;
  const tensor* b = nullptr;
  const tensor* b_bias = nullptr;
  std::size_t depth = 0;  ///< see peft_name
  /// Of the two layers of an nn.MultiheadAttention: the one inside, or the one around it.
  bool is_attention_output = false;
  bool is_attention_input = false;
};

/// Why factors that fit each other cannot be merged; empty if they can.
std::string reason_to_refuse(const factor_pair& factors, const std::string& module);

/// What the factors change. Throws a problem if they do not fit each other, or if the configuration
/// contradicts them; problems begin with `where`, "'file': the module 'name' ".
std::vector<adapter_update> updates_of(const factor_pair& factors, const std::string& module,
                                       const peft_config& config, const std::string& where);

}  // namespace revlora::tool
