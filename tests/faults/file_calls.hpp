// The system calls that have to do with files, and where their paths and descriptors are.
#pragma once

#include <string_view>

namespace revlora::tool::test {

struct file_call_kind {
  long number;
  std::string_view name;
  /// A letter for each argument: f a descriptor, d the descriptor of the folder that the path after
  /// it starts from, p a path, m an address in a mapped file, - anything else.
  std::string_view arguments;
  bool interruptible = false;  ///< whether Linux may answer EINTR
};

/// Nothing if it is none.
const file_call_kind* find_file_call(long number);

}  // namespace revlora::tool::test
