// The manual page and the completions of shells know what `--help` knows.
#include <set>
#include <sstream>

#include "support.hpp"

namespace revlora::tool::test {
namespace {

const fs::path sources = data.parent_path().parent_path();
const std::vector<std::string> commands = {"merge", "unmerge", "swap", "verify", "info", "demo"};

/// What `revlora COMMAND --help` lists, without the dashes.
std::set<std::string> options_of(const std::string& command) {
  std::set<std::string> names;
  std::istringstream lines(revlora(command + " --help").output);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("  -", 0) != 0) continue;
    const std::size_t begin = line.find("--") + 2;
    names.insert(line.substr(begin, line.find_first_of(" \n", begin) - begin));
  }
  return names;
}

TEST(Help, ListsOptionsOfEachCommand) {
  EXPECT_EQ(options_of("demo"), std::set<std::string>{"help"});
  EXPECT_EQ(options_of("verify"),
            (std::set<std::string>{"help", "json", "quiet", "undo", "weights"}));
  EXPECT_TRUE(options_of("merge").contains("recipe"));
}

TEST(Help, TheManualPageNamesEveryCommandAndOption) {
  const std::string page = read(sources / "docs/revlora.1");
  for (const std::string& command : commands) {
    EXPECT_NE(page.find("\n.It Cm " + command + "\n"), std::string::npos) << command;
    for (const std::string& option : options_of(command)) {
      const std::string entry = option == "help" ? ".It Fl h , Fl -help" : ".It Fl -" + option;
      const std::size_t found = page.find('\n' + entry);
      ASSERT_NE(found, std::string::npos) << option;
      const char behind = page[found + 1 + entry.size()];
      EXPECT_TRUE(behind == ' ' || behind == '\n') << option;
    }
  }
}

TEST(Help, TheCompletionOfBashOffersJustTheOptionsOfACommand) {
  const std::string script = (sources / "packaging/completions/revlora.bash").string();
  for (const std::string& command : commands) {
    const outcome offered = shell("bash -c '. \"" + script + "\"; COMP_WORDS=(revlora " + command +
                                  " --); COMP_CWORD=2; _revlora; printf \"%s\\n\" "
                                  "\"${COMPREPLY[@]}\"'");
    std::set<std::string> names;
    std::istringstream lines(offered.output);
    for (std::string line; std::getline(lines, line);) names.insert(line.substr(2));
    EXPECT_EQ(names, options_of(command)) << command;
  }
}

TEST(Help, TheCompletionsOfZshAndFishKnowEveryCommandAndOption) {
  const std::string zsh = read(sources / "packaging/completions/_revlora");
  const std::string fish = read(sources / "packaging/completions/revlora.fish");
  for (const std::string& command : commands) {
    EXPECT_NE(zsh.find("'" + command + ":"), std::string::npos) << command;
    EXPECT_NE(fish.find(" -a " + command + " -d "), std::string::npos) << command;
    for (const std::string& option : options_of(command)) {
      EXPECT_NE(fish.find(" -l " + option + " "), std::string::npos) << option;
      const std::string in_zsh = option == "help" ? "{-h,--help}'[" : "--" + option + "[";
      EXPECT_NE(zsh.find(in_zsh), std::string::npos) << option;
    }
  }
}

}  // namespace
}  // namespace revlora::tool::test
