// The tensor table of a safetensors file: an 8-byte length, a JSON header, and then the tensors'
// bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "revlora/any_matrix.hpp"

namespace revlora::tool {

/// F32, F16 and BF16 are weights that revlora can merge into; others have no element type.
std::optional<element_type> type_of(std::string_view dtype);

/// The product of the extents: 1 of a scalar.
std::uint64_t element_count(std::span<const std::uint64_t> shape);

struct tensor {
  std::string name;
  std::string dtype;  ///< as the file spells it: "F32", "BF16", …
  std::vector<std::uint64_t> shape;
  std::size_t begin = 0;  ///< in bytes from the start of the file
  std::size_t end = 0;

  std::size_t size_bytes() const { return end - begin; }
  /// Fits a std::ptrdiff_t: the table refuses shapes for which it would not.
  std::uint64_t element_count() const { return tool::element_count(shape); }
  std::optional<element_type> type() const { return type_of(dtype); }
};

/// A matrix somewhere in a file.
struct matrix_shape {
  element_type type;
  std::ptrdiff_t rows;
  std::ptrdiff_t cols;

  /// Its bytes as such a matrix. They have to be aligned for the type, as those of a vector are.
  any_matrix over(std::span<std::byte> bytes) const { return {bytes.data(), type, rows, cols}; }
};

/// The matrix that a merge sees in such a tensor: its first dimension by all others, flattened.
/// Nothing if it has fewer than two, a type that cannot be merged into, or more bytes than memory.
std::optional<matrix_shape> matrix_of(std::string_view dtype, std::span<const std::uint64_t> shape);

/// Whether these first bytes of a file can be the size of a header: those of most other files, and
/// of all text, are by far too large.
bool can_be_header_size(std::span<const std::byte, 8> start);

/// The size of the header of a file that starts with these bytes. Refuses one that no safetensors
/// file has, or that goes beyond the file.
std::uint64_t header_size(std::span<const std::byte, 8> start, std::uint64_t file_bytes,
                          const std::string& source);

/// Reads a header, sorted by offset. Refuses whatever the reference reader refuses: JSON that is
/// not, keys that appear twice, unknown types, sizes that do not fit the shape, holes, overlaps,
/// and bytes of the file that belong to no tensor; and what no writer writes: unknown fields of a
/// tensor, more than 64 dimensions. Takes O(n log n) time, and memory in proportion to the header.
/// Problems begin with `source`.
std::vector<tensor> read_tensor_table(std::string_view header, std::uint64_t file_bytes,
                                      const std::string& source);

/// The two together, for a file that is in memory.
std::vector<tensor> read_tensor_table(std::span<const std::byte> file, const std::string& source);

}  // namespace revlora::tool
