// Where a merge may write its undo file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/destination.hpp"
#include "files/workshop.hpp"
#include "undo/found_undo.hpp"

namespace revlora::tool {

/// What the user says of it.
struct undo_wish {
  std::optional<std::filesystem::path> path = {};
  bool overwrite = false;  ///< an undo file that is there, whatever it leads back
  bool force = false;      ///< also one that is read-only
};

/// A place for the undo file of a merge. An undo file that is there already is kept, unless it
/// leads nothing back any more: because the model that it names is at the base, and is the very
/// file that was merged, or unmerged. (If it is another one, that which was merged may have been
/// moved.)
class undo_place {
 public:
  /// At the path that is wished; or else, by default, `<folder>/model.undo` or `<stem>.undo` beside
  /// the model, and where that is to be kept `model.2.undo`, and so on. Refuses any other file that
  /// is in the way, and to merge what is merged already.
  undo_place(const undo_wish& wish, const checkpoint& model, const destination& target);

  std::filesystem::path path() const;

  /// That of an interrupted merge of this model, which has to be gone on with; none: there is none.
  std::optional<found_undo>& unfinished() { return unfinished_; }

  /// Makes the undo file, under another name. Who may read it is as of `original`.
  file create(destination& target, const file& original);
  /// Lets it take its place, on disk. Throws a problem if it did not: for example because another
  /// revlora put one there meanwhile.
  void publish(bool sync);
  /// Removes it again, and puts what it replaced back: nothing was changed that it would lead back.
  void take_back();

 private:
  std::optional<place> where_;           ///< none: in the folder that is to be made
  std::filesystem::path in_new_folder_;  ///< what it will be called there
  std::optional<file> replaced_;         ///< locked
  std::optional<file_status> made_;
  std::optional<found_undo> unfinished_;
  std::optional<workshop> shop_;
  bool is_exchanged_ = false;  ///< with the one that it replaced, which is in the workshop
};

}  // namespace revlora::tool
