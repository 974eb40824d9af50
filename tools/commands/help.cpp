#include "commands/help.hpp"

namespace revlora::tool {

const char* const program_description =
    "Merges LoRA adapters into model weights, and takes them out again bit for bit.";

const char* const program_footer =
    "Usage: revlora COMMAND ...\n"
    "\n"
    "A model is a .safetensors file or a folder with one in it, sharded or not; an\n"
    "adapter what PEFT and others save. A merge writes the model in place, and beside\n"
    "it an undo file, a small part of the model's size, by which the bytes come back.\n"
    "\n"
    "Examples:\n"
    "  revlora merge llama/ my-adapter             in place; writes llama/model.undo\n"
    "  revlora swap llama/ --to other-adapter=0.8  another adapter in its place\n"
    "  revlora unmerge llama/                      every bit is what it was";

namespace {

constexpr const char* exit_statuses =
    "Exit status: what it says is the state of the model.\n"
    "  0  done\n"
    "  1  not done: the model is as it was\n"
    "  2  partly done: `revlora unmerge` leads the model to the base\n"
    "  3  done, but something after that went wrong, such as printing the report\n"
    "  `revlora verify` has others: `revlora verify --help`\n";

/// A line in two columns; further lines of the description stand below its first.
std::string entry(const std::string& name, const std::string& description) {
  constexpr std::size_t column = 30;
  const std::string indentation = '\n' + std::string(column, ' ');
  std::string line = "  " + name;
  if (line.size() + 2 > column) {
    line += indentation;
  } else {
    line.resize(column, ' ');
  }
  for (const char character : description) {
    if (character == '\n') {
      line += indentation;
    } else {
      line += character;
    }
  }
  return line + '\n';
}

std::string names_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true) + option.get_type_name();
  std::string names;
  for (const std::string& name : option.get_snames()) names += '-' + name + ", ";
  for (const std::string& name : option.get_lnames()) names += "--" + name + ", ";
  names.resize(names.size() - 2);
  return names + (option.get_type_name().empty() ? "" : ' ' + option.get_type_name());
}

std::string options_of(const CLI::App& app, bool positional) {
  std::string lines;
  for (const CLI::Option* const each : app.get_options()) {
    if (each->get_positional() != positional) continue;
    lines += entry(names_of(*each), each->get_description());
  }
  return lines;
}

std::string section(const std::string& title, const std::string& lines) {
  return lines.empty() ? "" : "\n" + title + ":\n" + lines;
}

}  // namespace

std::string help_formatter::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  std::string commands;
  for (const CLI::App* const each : app->get_subcommands({})) {
    commands += entry(each->get_name(), each->get_description());
  }
  const bool is_program = !commands.empty();
  if (is_program) commands += entry("help COMMAND", "The same as COMMAND --help");
  return app->get_description() + "\n\n" + app->get_footer() + '\n' +
         section("Commands", commands) + section("Arguments", options_of(*app, true)) +
         section("Options", options_of(*app, false)) +
         (is_program ? '\n' + std::string(exit_statuses) : "");
}

}  // namespace revlora::tool
