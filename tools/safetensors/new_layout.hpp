// A safetensors file some of whose tensors are larger than they were, or new: where everything lies
// then.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// A tensor as it will be. One of another name than all that there are is new.
struct tensor_growth {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
};

struct new_layout {
  std::string start;            ///< all bytes before those of tensors: a length and the header
  std::vector<tensor> tensors;  ///< sorted by offset, which are of the new file
  std::uint64_t file_bytes = 0;
};

/// `header` is that of the file as it is, which has `file_bytes`. The tensors stay in their order,
/// new ones behind all others in the order of `growths`; metadata and the header's own order stay
/// too. The first tensor begins at a multiple of eight, as the reference writer has it. Problems
/// begin with `source`.
new_layout lay_out(std::string_view header, std::uint64_t file_bytes,
                   std::span<const tensor_growth> growths, const std::string& source);

}  // namespace revlora::tool
