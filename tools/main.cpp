// The command line of the `revlora` program.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>

#include "demo.hpp"
#include "info.hpp"
#include "merge.hpp"
#include "revlora/dispatch.hpp"
#include "revlora/version.hpp"
#include "unmerge.hpp"

namespace {

namespace tool = revlora::tool;
namespace dispatch = revlora::dispatch;

#define REVLORA_TEXT_(x) #x
#define REVLORA_TEXT(x) REVLORA_TEXT_(x)
constexpr const char* version = "revlora " REVLORA_TEXT(REVLORA_VERSION_MAJOR) "." REVLORA_TEXT(
    REVLORA_VERSION_MINOR) "." REVLORA_TEXT(REVLORA_VERSION_PATCH);

/// Throws if the environment names an instruction set that is none or does not run here.
std::string instruction_set() {
  return dispatch::name_of(dispatch::chosen());
}

int fail(std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::cerr << "revlora: " << message << '\n';
  return 1;
}

void add_merge(CLI::App& app) {
  auto* const command = app.add_subcommand("merge", "Merge adapters into a model, in place");
  const auto request = std::make_shared<tool::merge_request>();
  command->add_option("MODEL", request->model, "A .safetensors file, or a folder with one or more")
      ->required();
  command->add_option("ADAPTER", request->adapters, "PEFT adapter folders, added in this order")
      ->required();
  command->add_option("--strength", request->strength, "A factor for all adapters (1)")
      ->check([](const std::string& text) {
        double number = 0;
        const bool finite = CLI::detail::lexical_cast(text, number) && std::isfinite(number);
        return finite ? "" : "the strength is not a finite number: " + text;
      });
  command->add_option("--out", request->out, "Leave MODEL alone, write a new file or folder");
  command->add_option("--undo", request->undo,
                      "The undo file (beside the model: <stem>.undo or <folder>/model.undo)");
  command->callback([request] { tool::run_merge(*request); });
}

void add_unmerge(CLI::App& app) {
  auto* const command = app.add_subcommand("unmerge", "Bring a merged model back, bit for bit");
  const auto request = std::make_shared<tool::unmerge_request>();
  command->add_option("MODEL", request->model, "The merged file or folder")->required();
  command->add_option("--undo", request->undo, "The undo file of the merge");
  command->add_option("--adapter", request->adapters,
                      "Where the adapters are now, if they moved, in the order of the merge");
  command->callback([request] { tool::run_unmerge(*request); });
}

void add_info(CLI::App& app) {
  auto* const command =
      app.add_subcommand("info", "Tell what a model, an adapter or an undo file is");
  const auto path = std::make_shared<std::filesystem::path>();
  command->add_option("PATH", *path, "A file or folder")->required();
  command->callback([path] { tool::run_info(*path); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Merges LoRA adapters into model weights, and takes them out again bit for bit",
               "revlora");
  app.set_version_flag(
      "--version", [] { return std::string(version) + ", computes with " + instruction_set(); });
  // Before any file is touched.
  app.parse_complete_callback([] { instruction_set(); });
  app.require_subcommand(1);
  add_merge(app);
  add_unmerge(app);
  add_info(app);
  app.add_subcommand("demo", "Show it on a real model")->callback([] { tool::run_demo(); });
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
