// The undo file of a model that is merged.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "undo/undo_file.hpp"
#include "undo/undo_state.hpp"
#include "undo/undo_writer.hpp"

namespace revlora::tool {

/// An undo file, and what a model is to it.
class found_undo {
 public:
  /// The one at `asked`; or of those at the default places the one by which all of the model, or
  /// else most of it, is merged: of an interrupted merge there may be one that knows only a part.
  /// It stays locked.
  found_undo(const std::optional<std::filesystem::path>& asked, const checkpoint& model);
  /// One that is open, locked and read already.
  found_undo(place where, file opened, undo_file content, const checkpoint& model);
  /// Nothing if there is none at the default places.
  static std::optional<found_undo> try_find(const checkpoint& model);

  std::filesystem::path path() const { return where_.path(); }
  const place& where() const { return where_; }
  const file& opened() const { return opened_; }
  file release() && { return std::move(opened_); }
  const undo_file& content() const { return *content_; }
  const model_state& state() const { return state_; }

  /// Goes on behind its whole sections, or behind so many bytes.
  undo_writer go_on(std::optional<std::uint64_t> whole_bytes = {}) const;

  /// Notes the files by which an unmerge replaced those of the model, so that the next merge knows
  /// that this undo file leads nothing back any more. Without `force` not in one that is read-only.
  void remember(const std::vector<file_identity>& files, bool force, bool sync) const;

 private:
  found_undo(place where, file opened, const checkpoint& model);
  found_undo(place where, const checkpoint& model);
  static found_undo find(const std::optional<std::filesystem::path>& asked,
                         const checkpoint& model);
  /// Whether the model is merged by it, and how many tensors: more is better.
  std::pair<bool, std::ptrdiff_t> fit() const;

  place where_;
  file opened_;
  std::unique_ptr<const undo_file> content_;  ///< state_ has pointers into it
  model_state state_;
};

}  // namespace revlora::tool
