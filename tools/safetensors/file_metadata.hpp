// What a safetensors file says about itself, beside its tensors: texts by key.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "files/file.hpp"

namespace revlora::tool {

/// `__metadata__` of a file whose table has been read; empty if there is none.
std::map<std::string, std::string> read_metadata(const file& opened);

/// The same of a header that is in memory. Problems begin with `source`.
std::map<std::string, std::string> read_metadata(std::string_view header,
                                                 const std::string& source);

}  // namespace revlora::tool
