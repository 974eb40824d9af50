#include "formats/peft.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"
#include "formats/peft_config.hpp"
#include "formats/peft_contents.hpp"
#include "formats/peft_folder.hpp"
#include "formats/pickled_adapter.hpp"
#include "safetensors/safetensors_file.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr const char* config_name = "adapter_config.json";
constexpr const char* weights_name = "adapter_model.safetensors";

folder checked_folder(const fs::path& path) {
  const auto home = find_peft_folder(path);
  if (!home) {
    if (!folder::try_open(path)) {
      throw problem(quoted(path) + " is not a folder: a PEFT adapter is one");
    }
    throw problem(quoted(path) + " has no " + weights_name + ": not a PEFT adapter");
  }
  folder opened(*home);
  if (!opened.find(config_name, folder::links::followed)) {
    throw problem(quoted(*home) + " has no " + config_name +
                  ": the strength of a PEFT adapter is only there");
  }
  return opened;
}

/// Why weights of a PEFT adapter that are in no safetensors file are not read.
std::string reason_without_weights(const folder& home) {
  if (!home.find("adapter_model.bin", folder::links::followed)) {
    return "its weights are in several files, as PEFT itself does not save them: save it again "
           "with PEFT's save_pretrained()";
  }
  return advice_for_pickle("adapter_model.bin");
}

peft_contents contents_of(const std::vector<tensor>& tensors, const peft_config& config) {
  if (!config.has_known_tensors()) return {};
  try {
    return contents_of(tensors, config, weights_name);
  } catch (const problem&) {
    // The factors of a variant that is refused anyway may follow rules of their own.
    if (config.refused().empty()) throw;
    return {};
  }
}

}  // namespace

bool is_peft_adapter(const fs::path& path) {
  return find_peft_folder(path).has_value();
}

stored_adapter read_peft_adapter(const fs::path& path) {
  adapter_files files(checked_folder(path));
  const bool is_readable = files.home().find(weights_name, folder::links::followed).has_value();
  if (is_readable) files.open(weights_name);
  const file& fields = files.at(files.open(config_name));
  const peft_config config(fields.read_text(), quoted(fields.path()));
  auto facts = config.facts();
  peft_contents contents;
  if (is_readable) {
    const std::vector<tensor> tensors = read_tensor_table(files.at(0));
    contents = contents_of(tensors, config);
    facts.emplace_back("tensors", std::to_string(tensors.size()));
  } else {
    contents.refused = reason_without_weights(files.home());
  }
  // Where nothing is known of what an adapter changes, nobody could tell a model from what is not.
  std::vector<unused_part> unused;
  if (!contents.updates.empty()) unused = unused_weights(files.home(), contents.updates);
  fs::path home = files.home().path();
  return {std::move(home),
          config.description(),
          std::move(contents.updates),
          std::move(unused),
          config.refused().empty() ? contents.refused : config.refused(),
          std::move(facts),
          std::move(files)};
}

}  // namespace revlora::tool
