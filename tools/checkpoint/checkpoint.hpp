// A model on disk: one safetensors file, or several that share the tensors between them.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "files/folder.hpp"
#include "safetensors/safetensors_file.hpp"

namespace revlora::tool {

/// What a path to a model names: a folder, or a file in one.
struct model_place {
  folder home;
  std::optional<std::string> name;

  std::filesystem::path path() const { return name ? home.path_of(*name) : home.path(); }
};
model_place find_model(const std::filesystem::path& path);

struct located_tensor {
  std::size_t shard;  ///< index into checkpoint::shards()
  tensor entry;
};

class checkpoint {
 public:
  /// `where` is a `.safetensors` file, or a folder with `model.safetensors.index.json` and the
  /// shards that it names, with `model.safetensors`, or with a single `.safetensors` file of any
  /// name. All files are opened here, and never again.
  explicit checkpoint(model_place where);
  explicit checkpoint(const std::filesystem::path& path) : checkpoint(find_model(path)) {}

  /// An absolute path without links in front of the last name.
  std::filesystem::path path() const { return where_.path(); }
  bool is_folder() const { return !where_.name; }
  /// The folder that the shards are in.
  const folder& home() const { return where_.home; }
  /// File names within home().
  const std::vector<std::string>& shards() const { return shards_; }
  /// Null if no shard has that name.
  const file* find_file(const std::string& name) const;
  const safetensors_file& file_of(std::size_t shard) const { return files_[shard]; }
  std::filesystem::path path_of(std::size_t shard) const { return files_[shard].path(); }
  const std::map<std::string, located_tensor>& tensors() const { return tensors_; }
  /// Null if the model has no such tensor.
  const located_tensor* find(const std::string& name) const;
  std::vector<std::byte> bytes_of(const located_tensor& located) const;
  std::uint64_t size_bytes() const { return size_bytes_; }

  /// Throws a problem if somebody wrote to a shard, or put another file in its place, since it was
  /// opened.
  void check_unchanged(std::size_t shard) const;

 private:
  void add_shard(const std::string& name);
  void read_index(const std::string& name);

  model_place where_;
  std::vector<std::string> shards_;
  std::vector<safetensors_file> files_;
  std::map<std::string, located_tensor> tensors_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace revlora::tool
