// All that is in a folder, as a value: to be compared, and to be put back.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "../tools/support.hpp"

namespace revlora::tool::test {

struct tree_entry {
  fs::perms permissions;
  std::string bytes;  ///< of a file

  bool operator==(const tree_entry&) const = default;
};

/// By their paths in the folder; those of folders end with a slash.
using tree = std::map<std::string, tree_entry>;

inline tree read_tree(const fs::path& root) {
  tree content;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string path = entry.path().lexically_relative(root).string();
    const auto permissions = entry.status().permissions();
    if (entry.is_directory()) {
      content[path + '/'] = {permissions, ""};
    } else {
      content[path] = {permissions, read(entry.path())};
    }
  }
  return content;
}

/// Makes the folder what the tree says, whatever was there.
inline void write_tree(const tree& content, const fs::path& root) {
  fs::remove_all(root);
  fs::create_directories(root);
  for (const auto& [path, entry] : content) {
    if (path.ends_with('/')) {
      fs::create_directory(root / path);
    } else {
      std::ofstream(root / path, std::ios::binary) << entry.bytes;
    }
    fs::permissions(root / path, entry.permissions);
  }
}

inline tree without_undo_files(tree content) {
  std::erase_if(content, [](const auto& entry) { return entry.first.ends_with(".undo"); });
  return content;
}

/// Nothing if it is not there.
inline std::optional<tree_entry> entry_of(const tree& content, const std::string& path) {
  const auto found = content.find(path);
  if (found == content.end()) return {};
  return found->second;
}

/// Whether all of `part` is in `whole`, the same.
inline bool is_part_of(const tree& part, const tree& whole) {
  return std::all_of(part.begin(), part.end(), [&](const auto& entry) {
    return entry_of(whole, entry.first) == entry.second;
  });
}

}  // namespace revlora::tool::test
