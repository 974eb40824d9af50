#include "formats/formats.hpp"

#include <algorithm>
#include <array>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "formats/adapter_path.hpp"
#include "formats/diffusers.hpp"
#include "formats/gguf_adapter.hpp"
#include "formats/kohya.hpp"
#include "formats/litgpt.hpp"
#include "formats/mlx_lm.hpp"
#include "formats/peft.hpp"
#include "formats/pickled_adapter.hpp"
#include "formats/torchtune.hpp"
#include "safetensors/gguf_header.hpp"
#include "safetensors/safetensors_file.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

struct adapter_format {
  /// Whether a path names an adapter of this format, be it one that cannot be read. Takes a look at
  /// names, and at the start of files, only.
  bool (*recognises)(const fs::path& path);
  stored_adapter (*read)(const fs::path& path);
};

// The first that recognises a path reads it. mlx-lm and torchtune call their files as PEFT does, so
// PEFT, which goes by those names, comes after them; the spellings that others share come last.
constexpr std::array formats = {
    adapter_format{is_mlx_adapter, read_mlx_adapter},
    adapter_format{is_torchtune_adapter, read_torchtune_adapter},
    adapter_format{is_peft_adapter, read_peft_adapter},
    adapter_format{is_gguf_adapter, read_gguf_adapter},
    adapter_format{is_litgpt_adapter, read_litgpt_adapter},
    adapter_format{is_kohya_adapter, read_kohya_adapter},
    adapter_format{is_diffusers_adapter, read_diffusers_adapter},
    adapter_format{is_pickled_adapter, read_pickled_adapter},
};

const adapter_format* format_of(const fs::path& path) {
  const auto found = std::ranges::find_if(
      formats, [&](const adapter_format& each) { return each.recognises(path); });
  return found == formats.end() ? nullptr : &*found;
}

/// The names in a folder that are `wanted`, sorted.
template <class Wanted>
std::vector<std::string> names_in(const folder& home, const Wanted& wanted) {
  std::vector<std::string> names = home.names();
  std::erase_if(names, [&](const std::string& name) {
    const auto status = home.find(name, folder::links::followed);
    return !status || !wanted(name, *status);
  });
  std::sort(names.begin(), names.end());
  return names;
}

/// The folders in a folder that are adapters.
std::vector<std::string> folders_within(const folder& home) {
  return names_in(home, [&](const std::string& name, const file_status& status) {
    return status.is_folder() && format_of(home.path_of(name)) != nullptr;
  });
}

/// The files in a folder that are adapters; none if the folder is a model, whatever else is in it.
std::vector<std::string> files_within(const folder& home) {
  if (home.find("config.json") || home.find("model_index.json")) return {};
  return names_in(home, [&](const std::string& name, const file_status& status) {
    return status.is_regular() && format_of(home.path_of(name)) != nullptr;
  });
}

/// "'policy' or 'reference'"
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 10;
  std::string list;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) {
    if (i > 0) list += i + 1 == names.size() ? " or " : ", ";
    list += quoted(names[i]);
  }
  if (names.size() > most) list += " or " + std::to_string(names.size() - most) + " others";
  return list;
}

/// What a path means: a folder that is itself no adapter, but has a file that is one, means that.
fs::path meant_by(const fs::path& path) {
  if (format_of(path) != nullptr) return path;
  const auto opened = folder::try_open(path);
  if (!opened) return path;
  const std::vector<std::string> files = files_within(*opened);
  if (files.empty()) return path;
  if (files.size() == 1) return opened->path_of(files[0]);
  throw problem(quoted(path) + " has several adapters: name one of them, " + listed(files));
}

/// The reason of a reader of files of that kind, if it has one.
void read_header_of(const file& opened) {
  const auto start = opened.read_start(4);
  if (begins_like_gguf(start)) {
    read_gguf(opened);
  } else if (opened.path().extension() == ".safetensors") {
    read_tensor_table(opened);
  }
}

[[noreturn]] void refuse_unknown(const fs::path& path) {
  const std::string name = quoted(path);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw problem(name + " does not exist");
  const auto opened = folder::try_open(path);
  if (!opened) {
    if (const auto file = try_to_open(path)) read_header_of(*file);
    throw problem(name + " is no adapter of a format that revlora knows");
  }
  const std::vector<std::string> within = folders_within(*opened);
  if (!within.empty()) {
    throw problem(name + " has no adapter itself, only in folders: name one of them, " +
                  listed(within));
  }
  throw problem(name +
                " is no adapter of a format that revlora knows: one of PEFT is a folder with "
                "adapter_config.json and adapter_model.safetensors");
}

}  // namespace

bool is_adapter(const fs::path& path) {
  if (format_of(path) != nullptr) return true;
  const auto opened = folder::try_open(path);
  return opened && !files_within(*opened).empty();
}

stored_adapter read_adapter(const fs::path& path) {
  const fs::path meant = meant_by(path);
  const adapter_format* const format = format_of(meant);
  if (format == nullptr) refuse_unknown(path);
  return format->read(meant);
}

std::vector<stored_adapter> read_adapters(const std::vector<fs::path>& paths) {
  std::vector<stored_adapter> adapters;
  for (const fs::path& path : paths) {
    adapters.push_back(read_adapter(path));
    const stored_adapter& read = adapters.back();
    if (!read.refused.empty()) throw problem(quoted(read.path) + ": " + read.refused);
  }
  return adapters;
}

}  // namespace revlora::tool
