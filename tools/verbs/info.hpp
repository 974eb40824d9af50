// `revlora info`: what a model, an adapter or an undo file is.
#pragma once

#include <filesystem>

namespace revlora::tool {

/// Prints it on stdout. Throws a problem if the path is none of the three.
void run_info(const std::filesystem::path& path);

}  // namespace revlora::tool
