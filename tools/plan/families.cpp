#include "plan/families.hpp"

#include "plan/wrapped_names.hpp"

namespace revlora::tool {

std::vector<other_name> names_in_other_tools(const std::string& name) {
  std::vector<other_name> names = text_encoder_names(name);
  const std::string plain = plain_name_of(name).name;
  const auto add = [&](std::vector<other_name> others) {
    for (other_name& other : others) names.push_back(std::move(other));
  };
  add(unet_names(plain));
  for (const name_patterns& family : flux_names()) add(family.other_names(plain));
  for (const name_patterns& family : video_names()) add(family.other_names(plain));
  return names;
}

}  // namespace revlora::tool
