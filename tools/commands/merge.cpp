#include "commands/adapter_argument.hpp"
#include "commands/commands.hpp"
#include "commands/options.hpp"
#include "reports/merge_report.hpp"

namespace revlora::tool {

namespace {

struct merge_words {
  merge_request request;
  std::vector<std::string> adapters;
  std::optional<std::string> strength;
  bool json = false;
};

}  // namespace

void add_merge(CLI::App& app, exit_status& status) {
  auto& command = *app.add_subcommand("merge", "Merge adapters into a model, in place");
  command.footer(
      "Usage: revlora merge MODEL ADAPTER[=STRENGTH]... [OPTIONS]\n"
      "\n"
      "Every changed file is made beside the old one and takes its place when it is\n"
      "whole. The undo file, which `revlora unmerge` and `revlora swap` need, is\n"
      "<folder>/model.undo or <stem>.undo beside the model.\n"
      "\n"
      "Examples:\n"
      "  revlora merge model.safetensors my-adapter\n"
      "  revlora merge llama/ style=0.8 facts=0.5 --dry-run\n"
      "  revlora merge llama/ my-adapter --out llama-merged/");
  const auto words = std::make_shared<merge_words>();
  merge_request& request = words->request;
  add_model(command, request.model, "A .safetensors file, or a folder with a model in it");
  command
      .add_option("ADAPTER", words->adapters,
                  "Adapters, added in this order. A path that is there as it is written\n"
                  "is a path; else what follows its last '=' is its strength (1)")
      ->required()
      ->type_name("[=STRENGTH]...");
  command.add_option("--strength", words->strength, "One strength for all adapters (1)")
      ->type_name("NUMBER");
  command.add_option("--out", request.out, "Leave MODEL alone, write a new file or folder")
      ->type_name("PATH");
  add_ways_to_merge(command, request.how);
  add_weights(command, request.common.weights);
  add_undo(command, request.undo, "The undo file to write (beside the model)");
  command.add_flag("--overwrite-undo", request.overwrite_undo,
                   "Write it over one that leads another model back, which is lost");
  add_ways_to_write(command, request.common);
  add_dry_run(command, request.how.dry_run);
  add_ways_to_tell(command, words->json);
  command.callback([words, &status] {
    words->request.adapters = read_adapter_arguments(words->adapters, words->strength);
    const merge_request& asked = words->request;
    status = print_done(merge_report(asked, merge_model(asked)), words->json);
  });
}

}  // namespace revlora::tool
