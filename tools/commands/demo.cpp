#include "demo/demo.hpp"

#include "commands/commands.hpp"

namespace revlora::tool {

void add_demo(CLI::App& app, const std::filesystem::path& data) {
  auto& command = *app.add_subcommand("demo", "Show it on a real model, in a temporary folder");
  command.footer("Usage: revlora demo");
  command.callback([data] { run_demo(data); });
}

}  // namespace revlora::tool
