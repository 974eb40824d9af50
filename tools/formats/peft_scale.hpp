// The scale of a module by a configuration of PEFT's kind that is not PEFT's own file.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "formats/peft_config.hpp"

namespace revlora::tool {

/// Of LoRA, whether or not the fields say so.
peft_config configuration_of(nlohmann::ordered_json fields, const std::string& source);

/// Throws a problem that begins with `source` if the module has another rank there.
double scale_by(const peft_config& config, const std::string& module, std::uint64_t rank,
                const std::string& source);

}  // namespace revlora::tool
