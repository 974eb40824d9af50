// LoRA files with the names of a model's modules as they are: diffusers' of all generations, and
// those of ComfyUI, ai-toolkit, DiffSynth and others that write the like.
#pragma once

#include <filesystem>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a path names such a file, or a folder with a `pytorch_lora_weights.safetensors`.
bool is_diffusers_adapter(const std::filesystem::path& path);

stored_adapter read_diffusers_adapter(const std::filesystem::path& path);

}  // namespace revlora::tool
