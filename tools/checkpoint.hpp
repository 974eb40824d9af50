// A model on disk: one safetensors file, or several that share the tensors between them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "safetensors.hpp"

namespace revlora::tool {

struct located_tensor {
  std::size_t shard;  ///< index into checkpoint::shards()
  tensor entry;
};

class checkpoint {
 public:
  /// `path` is a `.safetensors` file, or a folder with `model.safetensors.index.json` and the
  /// shards that it names, with `model.safetensors`, or with a single `.safetensors` file of any
  /// name.
  explicit checkpoint(const std::filesystem::path& path);

  /// The path as an absolute one.
  const std::filesystem::path& path() const { return path_; }
  bool is_folder() const { return is_folder_; }
  /// The folder that the shards are in.
  const std::filesystem::path& folder() const { return folder_; }
  /// File names within folder().
  const std::vector<std::string>& shards() const { return shards_; }
  std::filesystem::path path_of(std::size_t shard) const { return folder_ / shards_[shard]; }
  const std::map<std::string, located_tensor>& tensors() const { return tensors_; }
  /// Null if the model has no such tensor.
  const located_tensor* find(const std::string& name) const;
  std::uint64_t size_bytes() const { return size_bytes_; }

  /// Where the undo file of this model is, or will be, unless the user says otherwise.
  std::filesystem::path default_undo_path() const;

 private:
  void add_shard(const std::string& name);
  void read_index(const std::filesystem::path& index);

  std::filesystem::path path_;
  bool is_folder_;
  std::filesystem::path folder_;
  std::vector<std::string> shards_;
  std::map<std::string, located_tensor> tensors_;
  std::uint64_t size_bytes_ = 0;
};

/// Where the undo file of a model at `path` is by default: `<folder>/model.undo` or `<stem>.undo`.
std::filesystem::path default_undo_path(const std::filesystem::path& path, bool is_folder);

}  // namespace revlora::tool
