// Where undo files are: where a merge may write one, and which one an unmerge needs.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "checkpoint.hpp"
#include "destination.hpp"
#include "undo_file.hpp"
#include "undo_state.hpp"
#include "workshop.hpp"

namespace revlora::tool {

/// A place for the undo file of a merge. An undo file that is there already is kept, unless it
/// leads nothing back any more: because the model that it names is at the base, and is the very
/// file that was merged, or unmerged. (If it is another one, that which was merged may have been
/// moved.)
class undo_place {
 public:
  /// At `asked`; or else, by default, `<folder>/model.undo` or `<stem>.undo` beside the model, and
  /// where that is to be kept `model.2.undo`, and so on. Refuses any other file that is in the way,
  /// and to merge what is merged already. With `overwrite` an undo file at `asked`, or at the first
  /// default place, is not kept; without `force` one that is read-only is.
  undo_place(const std::optional<std::filesystem::path>& asked, bool overwrite, bool force,
             const checkpoint& model, const destination& target);

  std::filesystem::path path() const;

  /// Writes the undo file to disk, under another name.
  void write(std::span<const std::byte> bytes, destination& target);
  /// Lets it take its place, on disk. Throws a problem if it did not: for example because another
  /// revlora put one there meanwhile.
  void publish();
  /// Removes it again: nothing was changed that it would lead back.
  void take_back();

 private:
  std::optional<place> where_;           ///< none: in the folder that is to be made
  std::filesystem::path in_new_folder_;  ///< what it will be called there
  std::optional<file> replaced_;         ///< locked
  std::optional<workshop> shop_;
};

/// The undo file of a model, and what the model is to it.
class found_undo {
 public:
  /// The one at `asked`; or of those at the default places the first by which the model is merged,
  /// or else the first. It stays locked.
  found_undo(const std::optional<std::filesystem::path>& asked, const checkpoint& model);

  std::filesystem::path path() const { return where_.path(); }
  const undo_file& content() const { return content_; }
  const model_state& state() const { return state_; }

  /// Notes the files that the unmerge made, so that the next merge knows that this undo file leads
  /// nothing back any more. Without `force` not in one that is read-only.
  void remember(const std::vector<file_identity>& files, bool force);

 private:
  struct candidate;
  explicit found_undo(candidate found);

  place where_;
  file opened_;
  undo_file content_;
  model_state state_;
};

}  // namespace revlora::tool
