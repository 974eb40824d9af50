// Adapters as PEFT saves them: a folder with a configuration and a safetensors file.
#pragma once

#include <filesystem>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a folder has the configuration of one.
bool has_peft_adapter(const folder& home);

/// Reads a folder; throws a problem with the reason if revlora cannot merge what is in it.
stored_adapter read_peft_adapter(const std::filesystem::path& path);

}  // namespace revlora::tool
