#include "formats/peft.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"
#include "formats/peft_config.hpp"
#include "formats/peft_factors.hpp"
#include "safetensors/safetensors_file.hpp"

namespace revlora::tool {

namespace {

constexpr const char* config_name = "adapter_config.json";
constexpr const char* factors_name = "adapter_model.safetensors";

folder checked_folder(const std::filesystem::path& path) {
  auto opened = folder::try_open(path);
  const std::string name = quoted(path);
  if (!opened) throw problem(name + " is not a folder: a PEFT adapter is one");
  if (!has_peft_adapter(*opened)) {
    throw problem(name + " has no " + config_name + ": not a PEFT adapter");
  }
  if (!opened->find(factors_name)) {
    const bool pickled = opened->find("adapter_model.bin").has_value();
    throw problem(name + " has no " + factors_name +
                  (pickled ? ": convert its adapter_model.bin, which is a Python pickle" : ""));
  }
  return std::move(*opened);
}

file open_settled(const folder& home, const char* name) {
  file opened = home.open(name, folder::links::followed);
  opened.settle();
  return opened;
}

}  // namespace

bool has_peft_adapter(const folder& home) {
  return home.find(config_name).has_value();
}

stored_adapter read_peft_adapter(const std::filesystem::path& path) {
  folder home = checked_folder(path);
  file fields = open_settled(home, config_name);
  const peft_config config(fields.read_text(), quoted(fields.path()));
  file factors = open_settled(home, factors_name);
  auto updates = pair_factors(read_tensor_table(factors), config, quoted(factors.path()));
  const char* const kind = config.rank_stabilised() ? "PEFT LoRA, rank-stabilised" : "PEFT LoRA";
  std::vector<file> others;
  others.push_back(std::move(fields));
  return {home.path(),      kind, std::move(updates), std::move(home), std::move(factors),
          std::move(others)};
}

}  // namespace revlora::tool
