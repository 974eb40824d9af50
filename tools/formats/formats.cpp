#include "formats/formats.hpp"

#include "formats/peft.hpp"

namespace revlora::tool {

bool has_adapter(const folder& home) {
  return has_peft_adapter(home);
}

std::vector<stored_adapter> read_adapters(const std::vector<std::filesystem::path>& paths) {
  std::vector<stored_adapter> adapters;
  for (const std::filesystem::path& path : paths) adapters.push_back(read_peft_adapter(path));
  return adapters;
}

}  // namespace revlora::tool
