#include "formats/peft_scale.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

peft_config configuration_of(nlohmann::ordered_json fields, const std::string& source) {
  fields["peft_type"] = "LORA";
  return {fields.dump(), source};
}

double scale_by(const peft_config& config, const std::string& module, std::uint64_t rank,
                const std::string& source) {
  const auto stated = static_cast<std::uint64_t>(config.rank_of(module));
  if (stated != rank) {
    throw problem(source + ": the module " + quoted(module) + " has rank " + std::to_string(rank) +
                  ", but its configuration says " + std::to_string(stated));
  }
  return config.scale_of(module);
}

}  // namespace revlora::tool
