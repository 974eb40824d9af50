// How tensors in adapter files are called: the end of a name says what of a module's adapter the
// tensor is, the rest which module it is of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace revlora::tool {

enum class factor_role {
  down,                ///< A, `[r, in]` or `[r, in, …]`
  up,                  ///< B, `[out, r]` or `[out, r, 1, …]`
  middle,              ///< Tucker's core of a convolution, `[r, r, …]`
  alpha,               ///< one number: the scale times the rank
  scale,               ///< one number: the scale itself
  difference,          ///< of the whole weight
  bias_difference,     ///< of the whole bias
  up_bias_difference,  ///< of the bias, times the scale
  replacement,         ///< the new weight
  not_mergeable,       ///< of a family that revlora does not know how to merge
};

struct factor_name {
  std::string stem;  ///< the name without its end
  factor_role role;
  /// Of factors that are of one part of a fused weight: its number.
  std::optional<std::uint64_t> part = {};
  /// The end is the one before PEFT's: "to_q_lora.down.weight".
  bool is_of_attention_processor = false;
  /// Why it is not mergeable: what it is, and what that does.
  std::string_view reason = {};
  /// No tensor of a model is called so, as some are "…alpha", "…scale" or "…b1.weight".
  bool tells_an_adapter = true;
};

/// Nothing if the end is none of an adapter.
std::optional<factor_name> factor_name_of(std::string_view tensor);

}  // namespace revlora::tool
