#include "formats/stored_adapter.hpp"

namespace revlora::tool {

std::vector<std::byte> stored_adapter::bytes_of(const stored_factor& factor) const {
  std::vector<std::byte> bytes(factor.end - factor.begin);
  content.read(bytes, factor.begin);
  return bytes;
}

void stored_adapter::check_unchanged() const {
  home.check_in_place();
  const auto check = [&](const file& opened) {
    home.check_unchanged(opened.path().filename().string(), opened, folder::links::followed);
  };
  check(content);
  for (const file& each : others) check(each);
}

}  // namespace revlora::tool
