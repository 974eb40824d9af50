// An index of shards, after tensors of theirs grew or were added.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace revlora::tool {

struct index_growth {
  std::map<std::string, std::string> new_tensors;  ///< from the tensor to its file
  std::uint64_t bytes = 0;                         ///< that all shards have more than before
  std::uint64_t numbers = 0;                       ///< that they have more
};

/// The text of an index with the new tensors in it, where its order has them, and with the sizes
/// that its metadata has. The rest stays as it is: byte for byte, if it was written as transformers
/// and diffusers do it. Problems begin with `source`.
std::string edited_index(std::string_view text, const index_growth& growth,
                         const std::string& source);

}  // namespace revlora::tool
