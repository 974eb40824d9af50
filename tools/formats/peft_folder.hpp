// The files in the folder of a PEFT adapter.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "files/folder.hpp"
#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// The folder that a path means: itself, or the one of the file of an adapter that it names.
/// Nothing if there are no weights of an adapter by PEFT's names.
std::optional<std::filesystem::path> find_peft_folder(const std::filesystem::path& path);

/// The weights in the folder that nobody reads, and that were trained all the same.
///
/// They are what ends in `.safetensors`, `.bin`, `.pt`, `.pth` or `.ckpt`, except
/// `adapter_model.*`, what a trainer needs to go on (its arguments, the states of optimizer,
/// scheduler, scaler and random numbers), tokenizers, and whole models: files with a weight in them
/// that the adapter changes, and the other parts of what such a file is a part of.
std::vector<unused_part> unused_weights(const folder& home,
                                        std::span<const adapter_update> updates);

}  // namespace revlora::tool
