// The system calls that have to do with files: where their paths and descriptors are, and a filter
// that stops a traced process at them and at no others.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace revlora::tool::test {

struct file_call_kind {
  long number;
  const char* name;
  /// A letter for each argument: f a descriptor, d the descriptor of the folder that the path after
  /// it starts from, p a path, m an address in a mapped file, - anything else.
  const char* arguments;
  bool interruptible = false;  ///< whether Linux may answer EINTR
};

/// Nothing if it is none.
const file_call_kind* find_file_call(long number);

/// For seccomp(2): SECCOMP_RET_TRACE at the calls of the table. A process that is stopped at every
/// call instead takes one and a half times as long.
std::vector<sock_filter> file_call_filter();

}  // namespace revlora::tool::test
