// The commands of the program, one file each. Each adds itself to the command line, and when it is
// what was asked for does it, prints what came of it, and says how it ended.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

#include "console/problem.hpp"

namespace revlora::tool {

void add_merge(CLI::App& app, exit_status& status);
void add_unmerge(CLI::App& app, exit_status& status);
void add_swap(CLI::App& app, exit_status& status);
void add_verify(CLI::App& app, exit_status& status);
void add_info(CLI::App& app, exit_status& status);
/// It says nothing but that all is well, or throws. `data` is as of run_demo().
void add_demo(CLI::App& app, const std::filesystem::path& data);

}  // namespace revlora::tool
