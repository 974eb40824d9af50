// Runs a program, follows the file-system calls that it and its threads and children make, and lets
// one of them fail, or the program die at it. By ptrace(2): no root, and nothing to be preloaded.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace revlora::tool::test {

/// What happens at one call. A failing call does nothing, except for close: Linux closes the
/// descriptor whatever it answers.
struct fault {
  enum class kind { none, killed_before, killed_after, failed };
  kind what = kind::none;
  int error = 0;         ///< of a failed call: ENOSPC and the like
  std::size_t call = 0;  ///< the first is 0
};

struct file_call {
  std::string text;    ///< its name and the paths that it concerns
  bool interruptible;  ///< whether Linux may answer EINTR
};

struct traced_run {
  int status = -1;  ///< -1: a signal ended it
  int signal = 0;
  std::string errors;  ///< what it wrote to its standard error
  std::vector<file_call> calls;
  bool struck = false;  ///< whether it came to the call of the fault
};

/// Why nothing can be traced here; empty if it can.
std::string why_not_traceable();

/// Runs a program in the current folder, its standard output in the file `report`, without a place
/// to read from. Only calls that concern `folder`, which is an absolute path, or what is in it are
/// counted: by their paths, or by the file that is open.
traced_run run_traced(const std::vector<std::string>& arguments,
                      const std::filesystem::path& folder, const std::filesystem::path& report,
                      const fault& wanted = {});

}  // namespace revlora::tool::test
