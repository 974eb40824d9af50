#include "commands/options.hpp"

#include <charconv>

#include "console/problem.hpp"
#include "console/terminal.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

int thread_count(const std::string& written) {
  int count = 0;
  const char* const end = written.data() + written.size();
  const auto [stopped, error] = std::from_chars(written.data(), end, count);
  if (error != std::errc() || stopped != end || count < 1) {
    throw problem("--threads " + quoted(written) + ": give a whole number, 1 or more");
  }
  return count;
}

/// An option that takes one of a few words.
template <class Value>
void add_choice(CLI::App& command, const std::string& name,
                const std::vector<std::pair<std::string, Value>>& choices,
                const std::function<void(Value)>& choose, const std::string& description) {
  std::string words;
  for (const auto& [word, value] : choices) words += (words.empty() ? "" : "|") + word;
  const auto read = [=](const std::string& written) {
    for (const auto& [word, value] : choices) {
      if (word == written) return choose(value);
    }
    throw problem(name + " is " + words + ", not " + quoted(written));
  };
  command.add_option_function<std::string>(name, read, description)->type_name(words);
}

}  // namespace

void add_model(CLI::App& command, std::filesystem::path& model, const std::string& what) {
  command.add_option("MODEL", model, what)->required()->type_name("");
}

void add_undo(CLI::App& command, std::optional<std::filesystem::path>& undo,
              const std::string& what) {
  command.add_option("--undo", undo, what)->type_name("FILE");
}

void add_weights(CLI::App& command, std::optional<std::string>& weights) {
  command
      .add_option("--weights", weights,
                  "Of several sets of weights in the folder the one meant: the name of\n"
                  "its file or index")
      ->type_name("NAME");
}

void add_ways_to_merge(CLI::App& command, merge_options& how) {
  add_choice<recipe_choice>(
      command, "--recipe",
      {{"fused", recipe_choice::fused},
       {"rounded_delta", recipe_choice::rounded_delta},
       {"peft", recipe_choice::peft}},
      [&how](recipe_choice choice) { how.recipe = choice; },
      "How W + D is rounded: once (fused, the default); D first to the type of\n"
      "the weights, then the sum (rounded_delta); or for each kind of layer as\n"
      "PEFT's merge does it (peft)");
  add_choice<bool>(
      command, "--fan-in-fan-out", {{"yes", true}, {"no", false}},
      [&how](bool choice) { how.fan_in_fan_out = choice; },
      "Whether square weights lie as [in, out]; needed only where neither the\n"
      "model nor the adapter tells");
  command.add_flag("--allow-unused", how.allow_unused,
                   "Go on without what was trained and cannot be merged, and say what it is");
  command.add_flag_callback(
      "--no-embed", [&how] { how.embed = false; },
      "Leave the factors out of the undo file: it is smaller, and the adapters\n"
      "have to be kept as they are, bit for bit");
}

void add_moved_adapters(CLI::App& command, std::vector<std::filesystem::path>& adapters) {
  command
      .add_option("--adapter", adapters,
                  "Where the merged adapters are now, in the order of the merge; needed\n"
                  "only if they moved and the undo file was made with --no-embed")
      ->type_name("PATH...");
}

void add_ways_to_write(CLI::App& command, common_options& common) {
  command.add_flag("--force", common.force, "Replace files that are read-only, too");
  command.add_flag_callback(
      "--no-sync", [&common] { common.sync = false; },
      "Do not wait until files are on disk: faster, and a power loss may leave\n"
      "a model that nothing leads back");
  command
      .add_option_function<std::string>(
          "--threads",
          [&common](const std::string& written) { common.threads = thread_count(written); },
          "How many threads work (as many as there are processors, eight at most)")
      ->type_name("N");
}

void add_dry_run(CLI::App& command, bool& dry_run) {
  command.add_flag("--dry-run", dry_run, "Write nothing, only say what would be done");
}

void add_ways_to_tell(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print one JSON object; revlora(1) says what is in it");
  command.add_flag_callback("--quiet", silence_progress,
                            "Show no progress; notes and errors are still printed");
}

}  // namespace revlora::tool
