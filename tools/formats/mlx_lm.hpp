// Adapters of mlx-lm: a folder with `adapters.safetensors` and a configuration of its own, which is
// called like PEFT's.
#pragma once

#include <filesystem>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a path names such a folder, its configuration, or a safetensors file in it.
bool is_mlx_adapter(const std::filesystem::path& path);

stored_adapter read_mlx_adapter(const std::filesystem::path& path);

}  // namespace revlora::tool
