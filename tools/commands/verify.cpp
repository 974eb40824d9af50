#include "commands/commands.hpp"
#include "commands/options.hpp"
#include "reports/verify_report.hpp"

namespace revlora::tool {

namespace {

struct verify_words {
  verify_request request;
  bool json = false;
};

exit_status status_of(model_condition condition) {
  switch (condition) {
    case model_condition::base:
      return exit_status::done;
    case model_condition::merged:
      return exit_status::is_merged;
    case model_condition::partly_merged:
      return exit_status::partly_done;
    case model_condition::changed:
      break;
  }
  return exit_status::is_changed;
}

}  // namespace

void add_verify(CLI::App& app, exit_status& status) {
  auto& command = *app.add_subcommand("verify", "Tell whether a model is at its base, or merged");
  command.footer(
      "Usage: revlora verify MODEL [OPTIONS]\n"
      "\n"
      "Reads the tensors that its undo file knows, and changes nothing. Exit status:\n"
      "  0  they are at the base       4  they are merged\n"
      "  2  some are merged, some not  5  some are neither: changed by somebody else\n"
      "  1  it could not be told\n"
      "\n"
      "Examples:\n"
      "  revlora verify model.safetensors\n"
      "  revlora verify llama/ --undo kept/llama.undo --json");
  const auto words = std::make_shared<verify_words>();
  verify_request& request = words->request;
  add_model(command, request.model, "A file or folder");
  add_weights(command, request.common.weights);
  add_undo(command, request.undo, "The undo file of the model (the one beside it)");
  add_ways_to_tell(command, words->json);
  command.callback([words, &status] {
    const verify_result found = verify_model(words->request);
    print(verify_report(found), words->json);
    status = status_of(found.condition);
  });
}

}  // namespace revlora::tool
