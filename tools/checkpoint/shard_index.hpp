// `model.safetensors.index.json`, and others of its kind: which of a model's files has which
// tensor.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace revlora::tool {

struct shard_index {
  std::map<std::string, std::string> shard_of;  ///< from the tensor to its file
  std::vector<std::string> shards;              ///< plain file names, ascending, each once
};

/// Whether a file of that name is an index: "….safetensors.index.json", or, of a variant,
/// "….safetensors.index.fp16.json".
bool is_index_name(std::string_view name);

/// Reads the text of an index. Throws a problem that begins with `source` if it is not valid, names
/// no tensor, or names a file that is not one in the same folder.
shard_index read_shard_index(std::string_view text, const std::string& source);

}  // namespace revlora::tool
