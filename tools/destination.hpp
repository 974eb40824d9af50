// Where changed shards come to be, and how all of them appear at once, or almost.
//
// In place, each shard is changed in a temporary beside it. When all of them are on disk the undo
// file is written, and only then each temporary is renamed over its shard. So a crash leaves
//   - before the undo file: the model as it was, and temporaries that mean nothing;
//   - after it: each shard as it was or merged as a whole, and an undo file that tells one from the
//     other, so that `unmerge` restores the merged ones.
// A new file or folder is put together under a temporary name and appears by one rename.
#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <span>

#include "checkpoint.hpp"
#include "working_copy.hpp"

namespace revlora::tool {

class destination {
 public:
  /// In place, or at `out`, where nothing may be yet. Refuses what cannot be written before writing
  /// anything. `model` must outlive this object.
  destination(const checkpoint& model, const std::optional<std::filesystem::path>& out);
  destination(const destination&) = delete;
  ~destination();  ///< removes what was not published

  /// What will be the model: a file or a folder, as absolute path.
  const std::filesystem::path& path() const { return path_; }
  bool in_place() const { return in_place_; }

  /// Copies a shard to where it can be changed. Valid until publish().
  working_copy& begin(std::size_t shard);

  /// Writes an undo file so that it is on disk, in the new folder if that is where it belongs.
  void write_undo_file(const std::filesystem::path& undo, std::span<const std::byte> bytes);

  /// Lets the finished shards take their places.
  void publish();

 private:
  struct edited_shard {
    std::size_t shard;
    working_copy copy;
  };

  void replace_shards();
  void publish_folder();

  const checkpoint& model_;
  bool in_place_;
  std::filesystem::path path_;
  std::filesystem::path new_folder_;  ///< under its temporary name; empty if there is none
  std::deque<edited_shard> edited_;
};

}  // namespace revlora::tool
