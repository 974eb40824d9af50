// Looking at what a path names before anybody knows whether it is an adapter.
#pragma once

#include <filesystem>
#include <optional>

#include "files/folder.hpp"

namespace revlora::tool {

/// The regular file that a path names, links followed; nothing if there is none, or none that may
/// be read.
std::optional<file> try_to_open(const std::filesystem::path& path);

}  // namespace revlora::tool
