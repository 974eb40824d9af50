#include "formats/kohya.hpp"

#include "formats/factor_file.hpp"

namespace revlora::tool {

bool is_kohya_adapter(const std::filesystem::path& path) {
  return has_tensor(path, [](std::string_view tensor) {
    const auto name = factor_name_of(tensor);
    return name && is_underscored(name->stem);
  });
}

stored_adapter read_kohya_adapter(const std::filesystem::path& path) {
  // Whoever leaves alpha out means that it is the rank.
  const auto usual_scale = [](const module_name&, std::uint64_t) { return 1.0; };
  return factor_file(path).read("kohya LoRA", usual_scale, "");
}

}  // namespace revlora::tool
