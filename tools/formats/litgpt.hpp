// Adapters of LitGPT (Lightning), converted to safetensors: what it writes itself is a Python
// pickle.
#pragma once

#include <filesystem>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a path names such a file.
bool is_litgpt_adapter(const std::filesystem::path& path);

stored_adapter read_litgpt_adapter(const std::filesystem::path& path);

}  // namespace revlora::tool
