#include "info/info.hpp"
#include "commands/commands.hpp"
#include "commands/options.hpp"
#include "reports/report.hpp"

namespace revlora::tool {

namespace {

struct info_words {
  info_request request;
  bool json = false;
};

}  // namespace

void add_info(CLI::App& app, exit_status&) {
  auto& command = *app.add_subcommand("info", "Tell what a model, an adapter or an undo file is");
  command.footer(
      "Usage: revlora info PATH [OPTIONS]\n"
      "\n"
      "Of a model also whether it is merged, and with what; adapters are described\n"
      "even if they cannot be merged, with the reason.\n"
      "\n"
      "Examples:\n"
      "  revlora info llama/\n"
      "  revlora info my-adapter --tensors\n"
      "  revlora info llama/model.undo --json");
  const auto words = std::make_shared<info_words>();
  command.add_option("PATH", words->request.path, "A file or folder")->required()->type_name("");
  command.add_flag("--tensors", words->request.every_tensor,
                   "Name each tensor, not groups of them that differ by numbers only");
  add_weights(command, words->request.weights);
  add_ways_to_tell(command, words->json);
  command.callback([words] { print(*describe(words->request), words->json); });
}

}  // namespace revlora::tool
