#include "formats/pickled_adapter.hpp"

#include <algorithm>
#include <cctype>

#include "formats/adapter_path.hpp"

namespace revlora::tool {

namespace {

namespace fs = std::filesystem;

/// PyTorch writes a ZIP archive with a pickle in it, before 1.6 the pickle itself; NumPy an archive
/// of arrays.
bool begins_like_pickle(const fs::path& path) {
  const auto opened = try_to_open(path);
  if (!opened) return false;
  const auto start = opened->read_start(4);
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  const bool is_pickle = text.size() > 1 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5;
  return is_pickle || text.starts_with("PK\3\4");
}

bool is_called_an_adapter(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.find("lora") != std::string::npos || name.find("adapter") != std::string::npos;
}

/// What of a file's name may stand in a command that somebody copies into a shell.
std::string plain_name(const std::string& name) {
  const bool is_plain = std::ranges::all_of(name, [](unsigned char each) {
    return std::isalnum(each) != 0 || each == '.' || each == '_' || each == '-';
  });
  return is_plain ? name : "FILE";
}

std::string advice_for(const std::string& file) {
  const std::string name = plain_name(file);
  if (name.ends_with(".npz")) {
    return "it is an archive of NumPy arrays, as mlx wrote it before safetensors: convert it by: "
           "python3 -c \"import mlx.core as m; m.save_safetensors('adapters.safetensors', "
           "m.load('" +
           name + "'))\"";
  }
  if (!name.ends_with(".pth.lora")) return advice_for_pickle(name);
  return advice_for_pickle(name, "model") + ", and keep LitGPT's hyperparameters.yaml beside it";
}

}  // namespace

std::string advice_for_pickle(const std::string& file, const std::string& part) {
  const std::string name = plain_name(file);
  const std::string converted = std::filesystem::path(name).replace_extension("safetensors");
  return "its " + name +
         " is a Python pickle, which can run any code when it is read: if you trust it, convert it "
         "in its folder by: python3 -c \"import torch, safetensors.torch as s; s.save_file({k: "
         "v.contiguous().clone() for k, v in torch.load('" +
         name + "', map_location='cpu', weights_only=True)" +
         (part.empty() ? "" : "['" + part + "']") + ".items()}, '" + converted + "')\"";
}

bool is_pickled_adapter(const fs::path& path) {
  return is_called_an_adapter(path) && begins_like_pickle(path);
}

stored_adapter read_pickled_adapter(const fs::path& path) {
  place file_at(path);
  fs::path absolute = file_at.path();
  adapter_files files(std::move(file_at.in));
  files.open(file_at.name);
  return {.path = std::move(absolute),
          .description = "Python pickle",
          .refused = advice_for(file_at.name),
          .files = std::move(files)};
}

}  // namespace revlora::tool
