// Adapters as PEFT saves them: a folder with a configuration and a safetensors file.
#pragma once

#include <filesystem>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a path names a folder with the weights of one, or one of its files.
bool is_peft_adapter(const std::filesystem::path& path);

/// Throws a problem if what is there cannot even be described.
stored_adapter read_peft_adapter(const std::filesystem::path& path);

}  // namespace revlora::tool
