#include "commands/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands/commands.hpp"
#include "commands/help.hpp"
#include "console/nearest_word.hpp"
#include "console/text.hpp"
#include "revlora/dispatch.hpp"
#include "revlora/version.hpp"

namespace revlora::tool {

namespace {

#define REVLORA_TEXT_(x) #x
#define REVLORA_TEXT(x) REVLORA_TEXT_(x)
constexpr const char* version = "revlora " REVLORA_TEXT(REVLORA_VERSION_MAJOR) "." REVLORA_TEXT(
    REVLORA_VERSION_MINOR) "." REVLORA_TEXT(REVLORA_VERSION_PATCH);

/// Throws if the environment names an instruction set that is none or does not run here.
std::string instruction_set() {
  return dispatch::name_of(dispatch::chosen());
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* const each : app.get_subcommands({})) names.push_back(each->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* const each : command.get_options()) {
    for (const std::string& name : each->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

void check_command(const std::string& word, const CLI::App& app) {
  std::vector<std::string> names = command_names(app);
  if (std::ranges::find(names, word) != names.end()) return;
  names.emplace_back("help");
  const std::string guess = did_you_mean(word, names);
  throw problem("there is no command " + quoted(word) + (guess.empty() ? ":" : guess) +
                " `revlora --help` lists them");
}

/// Words that begin like an option and are none.
void check_options(const std::vector<std::string>& words, const CLI::App& command,
                   const std::string& of) {
  for (const std::string& word : words) {
    if (word == "--") return;
    const bool is_option =
        word.size() > 1 && word[0] == '-' && word[1] != '.' && (word[1] < '0' || word[1] > '9');
    const std::string name = word.substr(0, word.find('='));
    if (!is_option || command.get_option_no_throw(name) != nullptr) continue;
    const std::string guess = did_you_mean(name, option_names(command));
    throw problem("`" + of + "` has no option " + quoted(name) + (guess.empty() ? ":" : guess) +
                  " `" + of + " --help` lists them");
  }
}

/// CLI11's message, which is not quite ours, and what to do.
std::string explained(const CLI::ParseError& error, const std::vector<std::string>& words) {
  std::string message = error.what();
  std::replace(message.begin(), message.end(), '\n', ' ');
  return printable(message) + ": `revlora " + words.front() + " --help` shows how it is used";
}

}  // namespace

exit_status run_command_line(std::vector<std::string> words,
                             const std::filesystem::path& demo_data) {
  exit_status status = exit_status::done;
  CLI::App app(program_description, "revlora");
  app.footer(program_footer);
  app.formatter(std::make_shared<help_formatter>());
  app.set_help_flag("-h,--help", "Print this");
  app.set_version_flag(
      "--version", [] { return std::string(version) + ", computes with " + instruction_set(); },
      "Print the version, and the instruction set that is used on this machine");
  // Before any file is touched.
  app.parse_complete_callback([] { instruction_set(); });
  add_merge(app, status);
  add_unmerge(app, status);
  add_swap(app, status);
  add_verify(app, status);
  add_info(app, status);
  add_demo(app, demo_data);

  if (words.empty()) {
    throw problem("say what to do: `revlora --help` lists the commands and has examples");
  }
  if (words.front() == "help") {
    std::erase(words, "help");
    words.emplace_back("--help");
  }
  if (words.front().starts_with('-')) {
    check_options({words.front()}, app, "revlora");
  } else {
    check_command(words.front(), app);
    const std::string& name = words.front();
    check_options({words.begin() + 1, words.end()}, *app.get_subcommand(name), "revlora " + name);
  }
  try {
    // CLI11 takes them from the end.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& help) {
    app.exit(help);
  } catch (const CLI::ParseError& error) {
    throw problem(explained(error, words));
  }
  return status;
}

}  // namespace revlora::tool
