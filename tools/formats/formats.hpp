// The adapter formats that the program reads. formats.cpp has the list of them.
#pragma once

#include <filesystem>
#include <vector>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a path names an adapter of a known format, be it one that is refused.
bool is_adapter(const std::filesystem::path& path);

/// What a path names, also if it can only be described: see stored_adapter::refused. Throws a
/// problem if that is no adapter.
stored_adapter read_adapter(const std::filesystem::path& path);

/// One adapter for each path. Throws a problem, with the reason, if one of them cannot be merged.
std::vector<stored_adapter> read_adapters(const std::vector<std::filesystem::path>& paths);

}  // namespace revlora::tool
