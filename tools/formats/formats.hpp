// The adapter formats that the program reads. formats.cpp has the list of them.
#pragma once

#include <filesystem>
#include <vector>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether there is an adapter in a folder, be it one that is refused.
bool has_adapter(const folder& home);

/// One adapter for each path. Throws a problem, with the reason, if one of them is none, or one
/// that revlora cannot merge.
std::vector<stored_adapter> read_adapters(const std::vector<std::filesystem::path>& paths);

}  // namespace revlora::tool
