// The factors in PEFT's `adapter_model.safetensors`: what their names say.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/peft_config.hpp"
#include "formats/stored_adapter.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// The modules in the order of their names. Refuses tensors that are no factors, factors without a
/// partner, and those that contradict the configuration; problems begin with `source`.
std::vector<adapter_update> pair_factors(std::span<const tensor> tensors, const peft_config& config,
                                         const std::string& source);

}  // namespace revlora::tool
