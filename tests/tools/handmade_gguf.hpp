// GGUF files for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace revlora::tool::test {

template <class Number>
std::string bytes_of_number(Number number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

inline std::string gguf_text(const std::string& text) {
  return bytes_of_number<std::uint64_t>(text.size()) + text;
}

/// A key, the number of its type, and the value's bytes.
inline std::string gguf_entry(const std::string& key, std::uint32_t type,
                              const std::string& value) {
  return gguf_text(key) + bytes_of_number(type) + value;
}

struct gguf_tensor {
  std::string name;
  std::vector<std::uint64_t> extents;  ///< the fastest first
  std::uint32_t type;
  std::uint64_t offset;
};

/// The header with these entries and tensors, filled up to `alignment`, and the data.
inline std::string gguf(const std::vector<std::string>& entries,
                        const std::vector<gguf_tensor>& tensors, const std::string& tensor_data,
                        std::size_t alignment = 32, std::uint32_t version = 3) {
  std::string file = "GGUF" + bytes_of_number(version) +
                     bytes_of_number<std::uint64_t>(tensors.size()) +
                     bytes_of_number<std::uint64_t>(entries.size());
  for (const std::string& entry : entries) file += entry;
  for (const gguf_tensor& tensor : tensors) {
    file +=
        gguf_text(tensor.name) + bytes_of_number(static_cast<std::uint32_t>(tensor.extents.size()));
    for (const std::uint64_t extent : tensor.extents) file += bytes_of_number(extent);
    file += bytes_of_number(tensor.type) + bytes_of_number(tensor.offset);
  }
  file.resize((file.size() + alignment - 1) / alignment * alignment);
  return file + tensor_data;
}

}  // namespace revlora::tool::test
