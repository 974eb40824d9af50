// Adapters of llama.cpp, for models in its GGUF format.
#pragma once

#include <filesystem>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a path names such a file.
bool is_gguf_adapter(const std::filesystem::path& path);

stored_adapter read_gguf_adapter(const std::filesystem::path& path);

}  // namespace revlora::tool
