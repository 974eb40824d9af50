// Undo files on disk: what they are called by default, and how one is opened.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "files/folder.hpp"
#include "undo/undo_file.hpp"

namespace revlora::tool {

/// What the undo files beside a model are called by default: by its stem, or "model" in a folder.
class undo_names {
 public:
  undo_names(const std::filesystem::path& model, bool is_folder)
      : stem_(is_folder ? "model" : model.stem().string()) {}

  /// "model.undo", "model.2.undo" …
  std::string of(int number) const;
  /// The numbers of those that there is an entry of. Some may be missing.
  std::set<int> numbers_in(const folder& home) const;

 private:
  std::string stem_;
};

/// What an undo file is called in a workshop.
inline constexpr const char* undo_name_in_workshop = "undo";

/// Opens an undo file and locks it. Throws a problem if it is something else, or in use.
file open_undo(const place& where);

}  // namespace revlora::tool
