// The undo file that an unmerge needs.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "undo/undo_file.hpp"
#include "undo/undo_state.hpp"

namespace revlora::tool {

/// The undo file of a model, and what the model is to it.
class found_undo {
 public:
  /// The one at `asked`; or of those at the default places the first by which the model is merged,
  /// or else the first. It stays locked.
  found_undo(const std::optional<std::filesystem::path>& asked, const checkpoint& model);

  std::filesystem::path path() const { return where_.path(); }
  const undo_file& content() const { return content_; }
  const model_state& state() const { return state_; }

  /// Notes the files by which an unmerge replaced those of the model, so that the next merge knows
  /// that this undo file leads nothing back any more. Without `force` not in one that is read-only.
  void remember(const std::vector<file_identity>& files, const checkpoint& model, bool force);

 private:
  found_undo(place where, const checkpoint& model);
  static found_undo find(const std::optional<std::filesystem::path>& asked,
                         const checkpoint& model);

  place where_;
  file opened_;
  undo_file content_;
  model_state state_;
};

}  // namespace revlora::tool
