// The table of a safetensors file on disk.
#pragma once

#include <string>
#include <vector>

#include "files/file.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// The JSON header of an open file, as it stands there. Refuses what is none, and says what it is.
std::string read_safetensors_header(const file& opened);

/// The table of an open file, by reading no more of it.
std::vector<tensor> read_tensor_table(const file& opened);

}  // namespace revlora::tool
