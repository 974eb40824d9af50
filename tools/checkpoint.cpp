#include "checkpoint.hpp"

#include <set>

#include "file.hpp"
#include "json.hpp"
#include "problem.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr const char* index_name = "model.safetensors.index.json";
constexpr const char* single_name = "model.safetensors";

std::string only_safetensors_in(const fs::path& folder) {
  std::string only;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors" || !entry.is_regular_file()) continue;
    if (!only.empty()) {
      throw problem("'" + folder.string() + "' has several .safetensors files and no " +
                    index_name + ": name the one that you mean");
    }
    only = entry.path().filename().string();
  }
  if (only.empty()) throw problem("'" + folder.string() + "' has no .safetensors file in it");
  return only;
}

}  // namespace

checkpoint::checkpoint(const fs::path& path)
    : path_(fs::absolute(path).lexically_normal()), is_folder_(fs::is_directory(path)) {
  if (!fs::exists(path)) throw problem("'" + path.string() + "' does not exist");
  if (is_folder_ && !path_.has_filename()) path_ = path_.parent_path();  // a trailing slash
  folder_ = is_folder_ ? path_ : path_.parent_path();
  if (!is_folder_) {
    add_shard(path_.filename().string());
    return;
  }
  const bool has_index = fs::exists(folder_ / index_name);
  const bool has_single = fs::exists(folder_ / single_name);
  if (has_index && has_single) {
    throw problem("'" + folder_.string() + "' has both " + index_name + " and " + single_name +
                  ": which of them is the model?");
  }
  if (has_index) {
    read_index(folder_ / index_name);
  } else {
    add_shard(has_single ? single_name : only_safetensors_in(folder_));
  }
}

const located_tensor* checkpoint::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

fs::path checkpoint::default_undo_path() const {
  return tool::default_undo_path(path_, is_folder_);
}

void checkpoint::add_shard(const std::string& name) {
  const safetensors_file file(folder_ / name);
  size_bytes_ += file.size_bytes();
  for (const tensor& entry : file.tensors()) {
    if (!tensors_.try_emplace(entry.name, located_tensor{shards_.size(), entry}).second) {
      throw problem("the tensor '" + entry.name + "' is in two files of '" + folder_.string() +
                    "'");
    }
  }
  shards_.push_back(name);
}

void checkpoint::read_index(const fs::path& index) {
  const std::string source = "'" + index.string() + "'";
  const mapping file = mapping::for_reading(index);
  const auto content = parse_object<nlohmann::json>(
      {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, source);
  const auto weight_map = content.find("weight_map");
  if (weight_map == content.end() || !weight_map->is_object() || weight_map->empty()) {
    throw problem(source + ": no weight_map");
  }
  std::set<std::string> names;
  for (const auto& [tensor_name, shard] : weight_map->items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : "";
    // A file name that leads out of the folder would let a downloaded index write anywhere.
    if (name.empty() || name == "." || name == ".." || fs::path(name).filename() != name) {
      throw problem(source + ": the file of '" + tensor_name + "' is not a plain file name");
    }
    names.insert(name);
  }
  for (const std::string& name : names) add_shard(name);
  for (const auto& [tensor_name, shard] : weight_map->items()) {
    const located_tensor* const found = find(tensor_name);
    if (found == nullptr || shards_[found->shard] != shard.get<std::string>()) {
      throw problem(source + ": the tensor '" + tensor_name + "' is not in " +
                    shard.get<std::string>());
    }
  }
}

fs::path default_undo_path(const fs::path& path, bool is_folder) {
  return is_folder ? path / "model.undo" : fs::path(path).replace_extension(".undo");
}

}  // namespace revlora::tool
