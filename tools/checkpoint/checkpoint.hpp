// A model on disk: one file, several that share the tensors between them, or a pipeline of such
// models in folders of one folder.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/weight_set.hpp"
#include "files/folder.hpp"
#include "safetensors/tensor_file.hpp"

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
  std::string component = {};  ///< of a pipeline: "unet"; empty outside of one
};

/// An index file of a checkpoint, as it was read.
struct located_index {
  std::string name;       ///< relative to home(), as shards are
  std::string component;  ///< of a pipeline
  const folder* in;
  std::string leaf;  ///< its name in that folder
  read_index read;
};

class checkpoint {
 public:
  /// `where` is a `.safetensors` or `.gguf` file, or an index of such, or a folder: with one set of
  /// weights, or the one of them that is called `weights`, or, where there is a `model_index.json`,
  /// with components of a pipeline in folders. All files are opened here, and never again.
  explicit checkpoint(model_place where, const std::optional<std::string>& weights = {});
  explicit checkpoint(const std::filesystem::path& path,
                      const std::optional<std::string>& weights = {})
      : checkpoint(find_model(path), weights) {}
  checkpoint(const checkpoint&) = delete;

  /// An absolute path without links in front of the last name.
  std::filesystem::path path() const { return where_.path(); }
  bool is_folder() const { return !where_.name; }
  /// The folder that the shards are in, or folders with them.
  const folder& home() const { return where_.home; }
  /// Names relative to home(): plain file names, or, in a pipeline, with one folder in front.
  const std::vector<std::string>& shards() const { return shards_; }
  /// The folder that a shard is in, and its plain name there.
  const folder& folder_of(std::size_t shard) const { return *places_[shard].in; }
  const std::string& leaf_of(std::size_t shard) const { return places_[shard].leaf; }
  /// Null if no shard has that name.
  const file* find_file(const std::string& name) const;
  const tensor_file& file_of(std::size_t shard) const { return files_[shard]; }
  std::filesystem::path path_of(std::size_t shard) const { return files_[shard].path(); }

  /// By name; in a pipeline by the component's, a slash and the name: "unet/conv_in.weight".
  const std::map<std::string, located_tensor>& tensors() const { return tensors_; }
  /// What a tensor of a shard is called here, and there.
  std::string key_of(std::size_t shard, const std::string& raw_name) const;
  std::string raw_name_of(std::size_t shard, const std::string& key) const;
  /// Null if the model has no such tensor.
  const located_tensor* find(const std::string& name) const;
  const located_tensor* find(const std::string& component, const std::string& name) const;
  /// Why a tensor is not there that an index promises; nothing if none does.
  std::optional<std::string> missing(const std::string& name) const;
  std::vector<std::byte> bytes_of(const located_tensor& located) const;
  std::uint64_t size_bytes() const { return size_bytes_; }

  /// Those of a pipeline that have weights which can be read; one of no name outside of pipelines.
  const std::vector<std::string>& components() const { return components_; }
  /// What `config.json` beside the weights says. Null if there is none, or none that can be read.
  const nlohmann::ordered_json* config(const std::string& component = {}) const;
  const std::deque<located_index>& indexes() const { return indexes_; }
  /// The index that has the tensors of a shard. Null if there is none.
  const located_index* index_of(std::size_t shard) const { return places_[shard].index; }
  /// What the user should know of how files were chosen, and of what is not there.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Opens a shard again that another file took the place of: the one before is let go, and with it
  /// its space on disk.
  void reopen(std::size_t shard);

  /// Throws a problem if somebody wrote to a shard, or put another file in its place, since it was
  /// opened.
  void check_unchanged(std::size_t shard) const;

 private:
  struct shard_place {
    const folder* in;
    std::string leaf;
    const located_index* index;
    std::string component;
  };

  void add_file(const std::string& name, const std::optional<std::string>& weights);
  bool add_pipeline(const std::optional<std::string>& weights);
  void add_set(const folder& in, const std::string& component, weight_set set);
  void open_shards();
  void add_shard(file opened);
  void compare_with(const located_index& index);
  void read_config(const folder& in, const std::string& component);

  model_place where_;
  std::deque<folder> folders_;  ///< of the shards; a deque, because others point to them
  std::deque<located_index> indexes_;
  std::vector<std::string> components_;
  std::vector<std::string> shards_;
  std::vector<shard_place> places_;
  std::vector<tensor_file> files_;
  std::map<std::string, located_tensor> tensors_;
  std::map<std::string, std::string> missing_;  ///< from the tensor to the reason
  std::map<std::string, nlohmann::ordered_json> configs_;
  std::vector<std::string> notes_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace revlora::tool
