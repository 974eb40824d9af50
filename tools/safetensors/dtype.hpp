// Names of types of numbers, as safetensors files spell them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace revlora::tool {

/// Nothing if safetensors files have no such type.
std::optional<std::uint64_t> bits_of_dtype(std::string_view dtype);

/// The same in bytes. Nothing also for types that do not fill whole ones.
std::optional<std::uint64_t> size_of_dtype(std::string_view dtype);

}  // namespace revlora::tool
