// Which module of a model the name of an adapter's tensor means, without what the tools that write
// adapters put in front.
#pragma once

#include <string>

#include "formats/factor_names.hpp"
#include "formats/stored_adapter.hpp"

namespace revlora::tool {

struct module_name {
  std::string module;
  module_spelling spelling = module_spelling::dotted;
  std::string component;  ///< as in adapter_update

  auto operator<=>(const module_name&) const = default;
};

/// Whether the stem begins like those of kohya: "lora_unet_", "lycoris_" …
bool is_underscored(std::string_view stem);

module_name module_of(const factor_name& name);

}  // namespace revlora::tool
