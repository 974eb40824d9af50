#include "checkpoint/shard_index.hpp"

#include <set>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/file_name.hpp"
#include "files/json.hpp"

namespace revlora::tool {

bool is_index_name(std::string_view name) {
  const std::size_t middle = name.find(".safetensors.index.");
  return middle != std::string_view::npos && middle > 0 && name.ends_with(".json");
}

shard_index read_shard_index(std::string_view text, const std::string& source) {
  const auto content = parse_object(text, source);
  const auto weight_map = content.find("weight_map");
  if (weight_map == content.end() || !weight_map->is_object() || weight_map->empty()) {
    throw problem(source + ": no weight_map");
  }
  shard_index index;
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : weight_map->items()) {
    const std::string where = source + ": the file of " + quoted(tensor);
    if (!shard.is_string())
      throw problem(where + " is a number or the like: not a plain file name");
    const auto& name = shard.get_ref<const std::string&>();
    check_file_name(name, where);
    shards.insert(name);
    index.shard_of.emplace(tensor, name);
  }
  index.shards.assign(shards.begin(), shards.end());
  return index;
}

}  // namespace revlora::tool
