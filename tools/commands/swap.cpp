#include "commands/adapter_argument.hpp"
#include "commands/commands.hpp"
#include "commands/options.hpp"
#include "reports/merge_report.hpp"

namespace revlora::tool {

namespace {

struct swap_words {
  swap_request request;
  std::vector<std::string> to;
  bool json = false;
};

/// The word that stands for no adapter; a folder of that name is ./none.
bool is_none(const std::vector<std::string>& to) {
  return to.size() == 1 && to.front() == "none";
}

}  // namespace

void add_swap(CLI::App& app, exit_status& status) {
  auto& command =
      *app.add_subcommand("swap", "Put other adapters in the place of those that are merged");
  command.footer(
      "Usage: revlora swap MODEL --to [ADAPTER[=STRENGTH]...] [OPTIONS]\n"
      "\n"
      "One pass, and exact: the weights are those of a merge into the base. The\n"
      "adapters that are merged now are in the undo file, unless it was made with\n"
      "--no-embed.\n"
      "\n"
      "Examples:\n"
      "  revlora swap llama/ --to other-adapter\n"
      "  revlora swap llama/ --to style=0.3 facts\n"
      "  revlora swap llama/ --to none");
  const auto words = std::make_shared<swap_words>();
  swap_request& request = words->request;
  add_model(command, request.model, "The merged file or folder, or one at the base");
  auto* const to =
      command
          .add_option("--to", words->to,
                      "The adapters that it shall have then, named as for merge; none,\n"
                      "or the word 'none': the base (a folder of that name is ./none)")
          ->type_name("[ADAPTER[=STRENGTH]...]")
          ->expected(0, -1);
  add_ways_to_merge(command, request.how);
  add_weights(command, request.common.weights);
  add_undo(command, request.undo, "The undo file of the model (the one beside it)");
  add_moved_adapters(command, request.adapters);
  add_ways_to_write(command, request.common);
  add_dry_run(command, request.how.dry_run);
  add_ways_to_tell(command, words->json);
  command.callback([words, to, &status] {
    if (to->count() == 0) {
      throw problem("say what to swap to: --to ADAPTER..., or --to none for the base");
    }
    std::erase(words->to, "");  // what stands for no argument
    if (!is_none(words->to)) words->request.to = read_adapter_arguments(words->to);
    const swap_request& asked = words->request;
    status = print_done(merge_report(asked, swap_model(asked)), words->json);
  });
}

}  // namespace revlora::tool
