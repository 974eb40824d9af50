#include "safetensors/safetensors_file.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

/// What is often found under the name of a safetensors file, or named in its place, and what to do.
struct other_kind {
  std::string_view start;
  const char* what;
};

constexpr std::array<other_kind, 6> other_kinds = {{
    {"version https://git-lfs",
     "a pointer of Git LFS, the file itself was not downloaded: git lfs "
     "pull, or download it again"},
    {"{", "JSON text, not weights: name the model's folder, or one of its .safetensors files"},
    {"PK\x03\x04",
     "a Python pickle as torch.save makes them, not a safetensors file: load it "
     "where it is trusted and save it as safetensors"},
    {"\x80\x02",
     "a Python pickle, not a safetensors file: load it where it is trusted and save "
     "it as safetensors"},
    {"<", "a web page or the like, not a safetensors file: download it again"},
    {"GGUF", "a GGUF file, not a safetensors file"},
}};

}  // namespace

std::string read_safetensors_header(const file& opened) {
  const std::string source = quoted(opened.path());
  std::array<std::byte, 8> start;
  if (opened.size() < start.size()) throw problem(source + ": too short for a safetensors file");
  opened.read(start, 0);
  if (!can_be_header_size(start)) {
    const std::vector<std::byte> bytes = opened.read_start(64);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto kind = std::ranges::find_if(
        other_kinds, [&](const other_kind& each) { return text.starts_with(each.start); });
    if (kind != other_kinds.end()) throw problem(source + " is " + kind->what);
  }
  std::string header(header_size(start, opened.size(), source), '\0');
  opened.read(std::as_writable_bytes(std::span(header)), start.size());
  return header;
}

std::vector<tensor> read_tensor_table(const file& opened) {
  return read_tensor_table(read_safetensors_header(opened), opened.size(), quoted(opened.path()));
}

}  // namespace revlora::tool
