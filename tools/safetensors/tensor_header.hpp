// The JSON header of a safetensors file: its schema, and what one tensor says of itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// The key that stands for no tensor.
constexpr std::string_view metadata_name = "__metadata__";

/// How many bytes a tensor of this type and shape needs. Throws a problem that begins with `where`
/// if it is an unknown type, or no such tensor can be.
std::uint64_t bytes_of_shape(const tensor& t, const std::string& where);

/// The tensors in the order of the header, their offsets as it gives them: relative to the first of
/// the `data_bytes` that follow it. Throws a problem if the header does not follow the schema, or
/// if a tensor's type, shape and offsets contradict each other. How tensors lie together is not
/// looked at.
std::vector<tensor> read_tensor_header(std::string_view header, std::uint64_t data_bytes,
                                       const std::string& source);

}  // namespace revlora::tool
