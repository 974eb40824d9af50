// The command line of the program.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "console/problem.hpp"

namespace revlora::tool {

/// Does what the words behind the program's name ask for, and says how it ended. Throws a problem
/// if they ask for nothing that there is, and whatever the command throws. `demo_data` is as of
/// run_program().
exit_status run_command_line(std::vector<std::string> words,
                             const std::filesystem::path& demo_data);

}  // namespace revlora::tool
