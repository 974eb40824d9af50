// Where changed files of a model come to be, and how they take their places.
//
// In place, each file is made in a workshop beside the model, put on disk, and takes the place of
// the old one by a rename before the next is begun: the disk needs room for the largest of them. A
// new file or folder is put together in a workshop as a whole and appears by one rename.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/checkpoint.hpp"
#include "files/file_identity.hpp"
#include "files/workshop.hpp"

namespace revlora::tool {

struct destination_options {
  std::optional<std::filesystem::path> out = {};  ///< where nothing may be yet; none: in place
  bool force = false;  ///< in place: replaces files that are read-only, too
  bool sync = true;    ///< what takes its place is on disk before
};

class destination {
 public:
  /// Refuses what cannot be written before writing anything. `model` must outlive this object.
  destination(const checkpoint& model, const destination_options& options);
  destination(const destination&) = delete;

  /// What will be the model: a file or a folder, as absolute path.
  std::filesystem::path path() const;
  bool is_folder() const { return model_.is_folder(); }
  bool is_in_place() const { return !out_; }
  bool makes_folder() const { return out_ && is_folder(); }
  /// The folder that its name will be in, or, in place, is in.
  const folder& home() const { return out_ ? out_->in : model_.home(); }

  /// What a shard will be called: as it is, but for that of a new file.
  std::string name_of(std::size_t shard) const;
  /// Refuses, in place, to change a shard or an index that may not be: read-only, a link.
  void check_replaceable(std::size_t shard) const;
  void check_replaceable(const located_index& index) const;

  /// An empty file that will be the shard, or the text beside the shards of that name. Who may do
  /// what with it is as of the original.
  file begin(std::size_t shard);
  file begin_text(const located_index& index);
  /// Makes a file that will be in the new folder; there must be one.
  file create_beside(const std::string& name);

  /// Puts a file on disk; in place it takes the place of the old one then, if nobody changed that
  /// meanwhile. Throws an exception if it did not.
  void put(std::size_t shard, const file& made);
  void put_text(const located_index& index, const file& made);
  /// Removes what begin() made of a shard, if it did not take its place.
  void discard(std::size_t shard);
  /// Which file a shard is that begin() made.
  file_identity identity_of(std::size_t shard, const file& made) const;

  /// Of a new file or folder: copies what else there is, and lets it appear.
  void finish();
  /// Waits until the new names are on disk.
  void flush() const;

 private:
  void check_replaceable(const folder& in, const std::string& name, const file& opened) const;
  const workshop& shop();
  const folder& new_folder();
  const folder& new_folder_for(const folder& original);
  file begin_as(const folder& original_home, const std::string& name, const file& original,
                const std::string& name_in_shop);
  void take_place(const std::string& name_in_shop, const folder& in, const std::string& name,
                  const file& original) const;

  const checkpoint& model_;
  destination_options options_;
  std::optional<place> out_;
  std::optional<workshop> shop_;
  std::optional<folder> new_folder_;
  std::map<std::string, folder> inner_folders_;  ///< of the new folder, by name
};

}  // namespace revlora::tool
