// LoRA files of image and video models as kohya's sd-scripts began to write them, and ComfyUI,
// A1111, OneTrainer and LyCORIS do: dots in the names of modules are underscores, behind a prefix.
#pragma once

#include <filesystem>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a path names such a file.
bool is_kohya_adapter(const std::filesystem::path& path);

stored_adapter read_kohya_adapter(const std::filesystem::path& path);

}  // namespace revlora::tool
