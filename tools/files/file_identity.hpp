// Which file a name means, so that another one of that name can be told from it. Numbers of inodes
// are used again once a file is gone, so there are times beside them, in nanoseconds.
#pragma once

#include <cstdint>
#include <string>

#include "files/file_status.hpp"

namespace revlora::tool {

struct file_identity {
  std::string name;  ///< of the shard
  std::uint64_t device = 0;
  std::uint64_t inode = 0;         ///< of what took its place, in a merge or an unmerge
  std::uint64_t modified = 0;      ///< when that was written
  std::uint64_t base_inode = 0;    ///< of the base whose place a merge took, which is gone then
  std::uint64_t base_changed = 0;  ///< when that was changed for the last time

  /// Whether the status is of the file that a merge or an unmerge put in its place.
  bool is_of(const file_status& status) const;
  bool operator==(const file_identity&) const = default;
};

}  // namespace revlora::tool
