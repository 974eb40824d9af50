#include "safetensors/dtype.hpp"

#include <map>

namespace revlora::tool {

std::optional<std::uint64_t> bits_of_dtype(std::string_view dtype) {
  static const std::map<std::string_view, std::uint64_t> bits = {
      {"BOOL", 8}, {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},
      {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},     {"I16", 16},
      {"U16", 16}, {"F16", 16},    {"BF16", 16},   {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
      {"I32", 32}, {"U32", 32},    {"F32", 32},    {"C64", 64},        {"F64", 64},
      {"I64", 64}, {"U64", 64}};
  const auto found = bits.find(dtype);
  if (found == bits.end()) return {};
  return found->second;
}

std::optional<std::uint64_t> size_of_dtype(std::string_view dtype) {
  const auto bits = bits_of_dtype(dtype);
  if (!bits || *bits % 8 != 0) return {};
  return *bits / 8;
}

}  // namespace revlora::tool
