// The `revlora` program: what it needs of the system, and how it ends.
#pragma once

#include <filesystem>

namespace revlora::tool {

/// The program's main(): gives its exit status, or ends it by the signal that interrupted it. It
/// takes the process for its own: signals, umask, limits. `demo_data` is where `revlora demo` finds
/// its model, if it is there.
int run_program(int argc, char** argv, const std::filesystem::path& demo_data);

}  // namespace revlora::tool
