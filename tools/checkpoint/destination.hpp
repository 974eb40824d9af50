// Where changed shards come to be, and how all of them appear at once, or almost.
//
// In place, each shard is changed as a copy in a workshop beside it. When all copies are on disk
// the undo file is published, and only then each copy takes the place of its shard by a rename. So
// a crash leaves
//   - before the undo file: the model as it was, and a workshop that means nothing;
//   - after it: each shard as it was or merged as a whole, and an undo file that tells one from the
//     other, so that `unmerge` restores the merged ones.
// A new file or folder is put together in a workshop and appears by one rename.
#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "files/file_identity.hpp"
#include "files/workshop.hpp"

namespace revlora::tool {

class destination {
 public:
  /// In place, or at `out`, where nothing may be yet. Refuses what cannot be written before writing
  /// anything; in place, with `force`, it also replaces files that are read-only. `model` must
  /// outlive this object.
  destination(const checkpoint& model, const std::optional<std::filesystem::path>& out, bool force);
  destination(const destination&) = delete;

  /// What will be the model: a file or a folder, as absolute path.
  std::filesystem::path path() const;
  bool is_folder() const { return model_.is_folder(); }
  bool makes_folder() const { return out_ && is_folder(); }
  /// The folder that its name will be in, or, in place, is in.
  const folder& home() const { return out_ ? out_->in : model_.home(); }

  /// A copy of a shard, to be changed. Valid as long as this object.
  const file& begin(std::size_t shard);
  /// What a shard will be called.
  std::string name_of(std::size_t shard) const;

  /// Makes a file that will be in the new folder; there must be one.
  file create_beside(const std::string& name);

  /// Waits until all is on disk, and makes sure that the shards still are what was read.
  void finish();

  /// Lets the shards take their places. Throws `partly_done` if some did and some did not; anything
  /// else if none did.
  void publish();

  /// Waits until the new names are on disk.
  void flush() const { home().flush(); }

  /// The files that begin() made, once they are written: they stay what they are when they take
  /// their places.
  std::vector<file_identity> identities() const;
  /// The file whose permissions an undo file may have: of the changed ones that which the fewest
  /// may read.
  const file& most_private() const;

 private:
  struct edited_shard {
    std::size_t shard;
    std::string name;  ///< in the workshop
    file content;
  };

  const workshop& shop();
  const folder& new_folder();
  bool is_edited(std::size_t shard) const;
  void copy_others();
  void replace_shards();

  const checkpoint& model_;
  std::optional<place> out_;
  std::optional<workshop> shop_;
  std::optional<folder> new_folder_;
  std::deque<edited_shard> edited_;
};

}  // namespace revlora::tool
