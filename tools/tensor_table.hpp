// The tensor table of a safetensors file: an 8-byte length, a JSON header, and then the tensors' bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

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

}  // namespace revlora::tool
