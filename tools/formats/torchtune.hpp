// Adapters in torchtune's own spelling, as safetensors. Those that it saves for the Hugging Face
// hub are PEFT's.
#pragma once

#include <filesystem>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a path names such a file, or a folder whose `adapter_model.safetensors` is one.
bool is_torchtune_adapter(const std::filesystem::path& path);

stored_adapter read_torchtune_adapter(const std::filesystem::path& path);

}  // namespace revlora::tool
