// What `--help` shows.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace revlora::tool {

/// A command's description, its footer (usage and examples), and its arguments and options; of the
/// program its commands and exit statuses, too. By itself, because what CLI11 shows depends on its
/// version.
class help_formatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

/// What a person who starts the program for the first time has to know.
extern const char* const program_description;
extern const char* const program_footer;

}  // namespace revlora::tool
