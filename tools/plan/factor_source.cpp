#include "plan/factor_source.hpp"

#include <cstring>

namespace revlora::tool {

namespace {

std::optional<element_type> factor_type(const std::string& dtype) {
  if (dtype == "F8_E4M3") return element_type::e4m3;
  if (dtype == "F8_E5M2") return element_type::e5m2;
  return type_of(dtype);
}

/// `rank × (in · kernel)` out of the core `rank × (q · kernel)` and `q × in`; of each input its
/// kernel lies together, as in the weight.
std::vector<std::byte> multiplied_out(const adapter_files& files, const factor_source& from) {
  const std::vector<std::byte> core_bytes = read_as(files, *from.core, element_type::fp32);
  const std::vector<std::byte> down_bytes = read_as(files, from.a, element_type::fp32);
  const auto* const core = reinterpret_cast<const float*>(core_bytes.data());
  const auto* const down = reinterpret_cast<const float*>(down_bytes.data());
  const std::uint64_t rank = from.core->rows, inner = from.a.rows, in = from.a.cols;
  const std::uint64_t kernel = from.kernel();
  std::vector<std::byte> bytes(rank * in * kernel * sizeof(float));
  auto* const product = reinterpret_cast<float*>(bytes.data());
  for (std::uint64_t p = 0; p < rank; ++p) {
    for (std::uint64_t i = 0; i < in; ++i) {
      for (std::uint64_t k = 0; k < kernel; ++k) {
        double sum = 0;
        for (std::uint64_t q = 0; q < inner; ++q) {
          sum += static_cast<double>(core[(p * inner + q) * kernel + k]) *
                 static_cast<double>(down[q * in + i]);
        }
        product[(p * in + i) * kernel + k] = static_cast<float>(sum);
      }
    }
  }
  return bytes;
}

}  // namespace

element_type type_when_loaded(const factor_source& from) {
  const auto type = factor_type(from.b.dtype);
  return type && from.a.dtype == from.b.dtype && !from.core ? *type : element_type::fp32;
}

loaded_factors load(const adapter_files& files, const factor_source& from) {
  const element_type type = type_when_loaded(from);
  return {type,
          from.b.rows,
          from.rank(),
          from.columns(),
          read_as(files, from.b, type),
          from.core ? multiplied_out(files, from) : read_as(files, from.a, type),
          from.strength};
}

}  // namespace revlora::tool
