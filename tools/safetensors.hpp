// The safetensors format: an 8-byte length, a JSON header, and the tensors' bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "file.hpp"
#include "revlora/element.hpp"

namespace revlora::tool {

struct tensor {
  std::string name;
  std::string dtype;  ///< as the file spells it: "F32", "BF16", …
  std::vector<std::uint64_t> shape;
  std::size_t begin = 0;  ///< in bytes from the start of the file
  std::size_t end = 0;

  std::size_t size_bytes() const { return end - begin; }
  std::uint64_t element_count() const;
  /// F32, F16 and BF16 are weights that revlora can merge into; others have no element type.
  std::optional<element_type> type() const;
};

/// "[4096, 11008]"
std::string describe_shape(std::span<const std::uint64_t> shape);

/// Reads the tensor table at the start of `file`, sorted by offset. Refuses whatever the reference
/// reader refuses: a wrong length, JSON that is not, keys that appear twice, unknown types, sizes
/// that do not fit the shape, holes, overlaps, and bytes that belong to no tensor. Problems begin
/// with `source`.
std::vector<tensor> read_tensor_table(std::span<const std::byte> file, const std::string& source);

/// A mapped file and its table.
class safetensors_file {
 public:
  explicit safetensors_file(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::size_t size_bytes() const { return mapping_.bytes().size(); }
  const std::vector<tensor>& tensors() const { return tensors_; }
  /// Null if there is no tensor of that name.
  const tensor* find(const std::string& name) const;
  std::span<std::byte> bytes_of(const tensor& t) const {
    return mapping_.bytes().subspan(t.begin, t.size_bytes());
  }

 private:
  std::filesystem::path path_;
  mapping mapping_;
  std::vector<tensor> tensors_;
};

}  // namespace revlora::tool
