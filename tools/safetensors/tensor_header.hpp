// The JSON header of a safetensors file: its schema, and what one tensor says of itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// The tensors in the order of the header, their offsets as it gives them: relative to the first of
/// the `data_bytes` that follow it. Throws a problem if the header does not follow the schema, or
/// if a tensor's type, shape and offsets contradict each other. How tensors lie together is not
/// looked at.
std::vector<tensor> read_tensor_header(std::string_view header, std::uint64_t data_bytes,
                                       const std::string& source);

}  // namespace revlora::tool
