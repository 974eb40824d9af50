// What a GGUF file of llama.cpp says before its tensors' bytes: metadata, and where the tensors
// are. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "files/file.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// A list in the metadata: of tokens, mostly. Nobody here needs its elements.
struct gguf_list {
  std::uint64_t count = 0;
  bool operator==(const gguf_list&) const = default;
};

using gguf_value = std::variant<bool, std::uint64_t, std::int64_t, double, std::string, gguf_list>;

struct gguf_file {
  std::map<std::string, gguf_value> metadata;
  /// Sorted by offset. The shape is in row-major order, the reverse of the file's; the dtype is as
  /// ggml calls it, which for F32, F16 and BF16 is as safetensors does.
  std::vector<tensor> tensors;

  /// A text of the metadata; empty if there is none of that name.
  std::string text(const std::string& key) const;
};

/// Whether a file that starts with these bytes is one.
bool begins_like_gguf(std::span<const std::byte> start);

/// Reads no more than the header. Refuses big-endian files and versions before 2, keys and names
/// that appear twice, unknown types, more than 4 dimensions, and bytes that overlap or go beyond
/// the file. Takes O(n log n) time, and memory in proportion to the header, of 100 MB at most.
gguf_file read_gguf(const file& opened);

/// The same of a file that is in memory. Problems begin with `source`.
gguf_file read_gguf(std::span<const std::byte> file, const std::string& source);

}  // namespace revlora::tool
