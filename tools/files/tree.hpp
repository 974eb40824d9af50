// A folder with all that is in it.
#pragma once

#include <functional>
#include <string>

#include "files/folder.hpp"

namespace revlora::tool {

/// Folders in one another, counted from the outermost. Nobody has more, and who visits them
/// recurses and holds them open.
constexpr int deepest_tree = 64;

struct tree_copy {
  /// Whether an entry, by its name relative to the outermost folder, is left out.
  std::function<bool(const std::string& name)> skip;
  bool sync = true;  ///< wait until all is on disk
};

/// Copies what is in one folder into another, with the permissions that it has; what has its name
/// there already stays, but for folders, which are filled. Of links, what they lead to is copied,
/// with a note. Undo files, workshops and what is no file or folder are left out; so is Git's own
/// folder, which has every version of the model in it. Throws a problem if a link leads to a folder
/// that it is in.
void copy_tree(const folder& from, const folder& to, const tree_copy& how);

}  // namespace revlora::tool
