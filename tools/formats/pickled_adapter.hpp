// Adapters that are Python pickles: never read, because that may run any program; recognised in
// order to say so.
#pragma once

#include <filesystem>
#include <string>

#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Whether a path names a file that begins like a pickle, or like an archive of them, and is called
/// an adapter.
bool is_pickled_adapter(const std::filesystem::path& path);

/// Why a pickle is not read, and the command that converts it; `part` is the key, if any, under
/// which it has the tensors.
std::string advice_for_pickle(const std::string& file, const std::string& part = "");

stored_adapter read_pickled_adapter(const std::filesystem::path& path);

}  // namespace revlora::tool
