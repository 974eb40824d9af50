#include "formats/peft_folder.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "safetensors/safetensors_file.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr std::array weights_names = {"adapter_model.safetensors", "adapter_model.bin",
                                      "adapter_model.safetensors.index.json",
                                      "adapter_model.bin.index.json"};

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_weights_file(std::string_view name) {
  constexpr std::array<std::string_view, 5> ends = {".safetensors", ".bin", ".pt", ".pth", ".ckpt"};
  constexpr std::array<std::string_view, 8> needless = {
      "adapter_model.", "optimizer",     "scheduler",     "scaler",
      "rng_state",      "random_states", "training_args", "tokenizer"};
  const auto begins = [&](std::string_view start) { return name.starts_with(start); };
  const auto stops = [&](std::string_view end) { return name.ends_with(end); };
  return std::ranges::any_of(ends, stops) && std::ranges::none_of(needless, begins);
}

/// "model.safetensors" of "model-00001-of-00004.safetensors": what a file is a part of.
std::string whole_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  const std::size_t of = name.rfind("-of-", dot);
  if (of == std::string::npos || of == 0) return name;
  const std::size_t number = name.rfind('-', of - 1);
  if (number == std::string::npos) return name;
  return name.substr(0, number) + name.substr(dot);
}

/// Names of tensors, to be found also by names that have more or fewer parts in front.
class names_with_any_prefix {
 public:
  void add(const std::string& name) {
    names_.insert(name);
    for_ends(name, [&](const std::string& end) { ends_.insert(end); });
  }
  bool find(const std::string& name) const {
    bool found = names_.contains(name) || ends_.contains(name);
    for_ends(name, [&](const std::string& end) { found = found || names_.contains(end); });
    return found;
  }

 private:
  /// What follows a dot, and has a dot itself: a single part means nothing.
  template <class Function>
  static void for_ends(const std::string& name, const Function& call) {
    const std::size_t last = name.rfind('.');
    for (std::size_t dot = name.find('.'); dot < last; dot = name.find('.', dot + 1)) {
      call(name.substr(dot + 1));
    }
  }

  std::set<std::string> names_;
  std::set<std::string> ends_;
};

names_with_any_prefix changed_tensors(std::span<const adapter_update> updates) {
  names_with_any_prefix names;
  for (const adapter_update& each : updates) {
    const auto* const stack = std::get_if<expert_stack_update>(&each.content);
    if (stack == nullptr) {
      names.add(each.parameter.empty() ? each.module : each.module + "." + each.parameter);
    } else {
      for (const std::string& parameter : stack->parameters) {
        names.add(each.module + "." + parameter);
      }
    }
  }
  return names;
}

bool is_of_a_model(const folder& home, const std::string& name,
                   const names_with_any_prefix& changed) {
  if (!name.ends_with(".safetensors")) return false;
  try {
    const auto tensors = read_tensor_table(home.open(name, folder::links::followed));
    return std::ranges::any_of(tensors,
                               [&](const tensor& each) { return changed.find(each.name); });
  } catch (const problem&) {
    return false;  // nobody can tell what a broken file should have been
  }
}

}  // namespace

std::optional<fs::path> find_peft_folder(const fs::path& path) {
  const std::string name = path.filename().string();
  const bool is_one_of_it = name == "adapter_config.json" ||
                            std::ranges::find(weights_names, name) != weights_names.end();
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::path home = is_one_of_it && is_file(path) ? parent : path;
  const auto is_here = [&](const char* weights) { return is_file(home / weights); };
  if (std::ranges::none_of(weights_names, is_here)) return {};
  return home;
}

std::vector<unused_part> unused_weights(const folder& home,
                                        std::span<const adapter_update> updates) {
  std::vector<std::string> names = home.names();
  std::erase_if(names, [&](const std::string& name) {
    const auto status = home.find(name, folder::links::followed);
    return !is_weights_file(name) || !status || !status->is_regular();
  });
  std::ranges::sort(names);
  const names_with_any_prefix changed = changed_tensors(updates);
  std::set<std::string> models;
  for (const std::string& name : names) {
    if (is_of_a_model(home, name, changed)) models.insert(whole_of(name));
  }
  std::vector<unused_part> unused;
  for (const std::string& name : names) {
    if (models.contains(whole_of(name))) continue;
    const bool readable = name.ends_with(".safetensors");
    unused.push_back({quoted(name), readable ? "weights that are not in the adapter's own file"
                                             : "weights as a Python pickle, which may be trained "
                                               "ones that the adapter's own file has not"});
  }
  return unused;
}

}  // namespace revlora::tool
