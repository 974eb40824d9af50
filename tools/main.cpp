// The command line of the `revlora` program.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <iostream>

#include "console/interruption.hpp"
#include "demo/demo.hpp"
#include "revlora/dispatch.hpp"
#include "revlora/version.hpp"
#include "verbs/info.hpp"
#include "verbs/merge_model.hpp"
#include "verbs/unmerge_model.hpp"

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

tool::exit_status status = tool::exit_status::done;

int fail(tool::exit_status with, std::string message) {
  // One line, whatever the library that reads the command line says.
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::replace_if(
      message.begin(), message.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  std::cerr << "revlora: " << message << '\n';
  return static_cast<int>(with);
}

/// Descriptors 0 to 2 must not become those of a model: what is printed would be written into it.
void open_standard_streams() {
  int number = 0;
  while (number >= 0 && number <= STDERR_FILENO) number = ::open("/dev/null", O_RDONLY);
  if (number >= 0) ::close(number);
}

/// Errors of writing, and no end in the middle of it: a reader that has gone, a limit to files.
void ignore_signals_of_writing() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

/// The files of a model are all open while it is worked on.
void allow_many_files() {
  struct rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
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
  command->add_flag("--overwrite-undo", request->overwrite_undo,
                    "Write the undo file over one that leads another model back, which is lost");
  command->add_flag("--force", request->force, "Replace files that are read-only, too");
  command->callback([request] { status = tool::run_merge(*request); });
}

void add_unmerge(CLI::App& app) {
  auto* const command = app.add_subcommand("unmerge", "Bring a merged model back, bit for bit");
  const auto request = std::make_shared<tool::unmerge_request>();
  command->add_option("MODEL", request->model, "The merged file or folder")->required();
  command->add_option("--undo", request->undo, "The undo file of the merge");
  command->add_option("--adapter", request->adapters,
                      "Where the adapters are now, if they moved, in the order of the merge");
  command->add_flag("--force", request->force, "Replace files that are read-only, too");
  command->callback([request] { status = tool::run_unmerge(*request); });
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
  open_standard_streams();
  ::umask(077);  // what is made gets its permissions from what it is made of
  ignore_signals_of_writing();
  allow_many_files();
  tool::watch_for_interruptions();
  CLI::App app("Merges LoRA adapters into model weights, and takes them out again bit for bit",
               "revlora");
  app.set_version_flag(
      "--version", [] { return std::string(version) + ", computes with " + instruction_set(); });
  // Before any file is touched.
  app.parse_complete_callback([] { instruction_set(); });
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done; 1 not done, the model is as it was; 2 partly done, `unmerge` leads "
      "the\n"
      "model to the base; 3 done, but something after that went wrong.");
  add_merge(app);
  add_unmerge(app);
  add_info(app);
  app.add_subcommand("demo", "Show it on a real model")->callback([] { tool::run_demo(); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
  } catch (const tool::interrupted& error) {
    fail(status, error.what());
    tool::end_by_signal(error.signal());
  } catch (const tool::partly_done& error) {
    return fail(tool::exit_status::partly_done, error.what());
  } catch (const std::exception& error) {
    return fail(tool::exit_status::not_done, tool::reason_of(error));
  }
  std::cout.flush();
  if (!std::cout && status == tool::exit_status::done) {
    return fail(tool::exit_status::not_done, "cannot write to the standard output");
  }
  return static_cast<int>(status);
}
