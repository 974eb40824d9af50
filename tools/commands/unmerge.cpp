#include "commands/commands.hpp"
#include "commands/options.hpp"
#include "reports/unmerge_report.hpp"

namespace revlora::tool {

namespace {

struct unmerge_words {
  unmerge_request request;
  bool json = false;
};

}  // namespace

void add_unmerge(CLI::App& app, exit_status& status) {
  auto& command = *app.add_subcommand("unmerge", "Bring a merged model back, bit for bit");
  command.footer(
      "Usage: revlora unmerge MODEL [OPTIONS]\n"
      "\n"
      "Also brings back what an interrupted merge, swap or unmerge left half-way.\n"
      "\n"
      "Examples:\n"
      "  revlora unmerge model.safetensors\n"
      "  revlora unmerge llama/ --undo kept/llama.undo\n"
      "  revlora unmerge llama/ --adapter new/place/of/my-adapter");
  const auto words = std::make_shared<unmerge_words>();
  unmerge_request& request = words->request;
  add_model(command, request.model, "The merged file or folder");
  add_weights(command, request.common.weights);
  add_undo(command, request.undo, "The undo file of the merge (the one beside the model)");
  add_moved_adapters(command, request.adapters);
  add_ways_to_write(command, request.common);
  add_dry_run(command, request.dry_run);
  add_ways_to_tell(command, words->json);
  command.callback([words, &status] {
    const unmerge_request& asked = words->request;
    status = print_done(unmerge_report(asked, unmerge_model(asked)), words->json);
  });
}

}  // namespace revlora::tool
