// All tensors of PEFT's `adapter_model.safetensors`: what they change.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/peft_config.hpp"
#include "formats/stored_adapter.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

struct peft_contents {
  std::vector<adapter_update> updates;  ///< sorted by module and parameter
  std::string refused;                  ///< why all of it cannot be merged; empty if it can
};

/// Takes the tensors for those of the first file of an adapter. Throws a problem about names that
/// PEFT does not give, factors without a partner, and those that contradict each other or the
/// configuration; problems begin with `source`.
peft_contents contents_of(std::span<const tensor> tensors, const peft_config& config,
                          const std::string& source);

}  // namespace revlora::tool
