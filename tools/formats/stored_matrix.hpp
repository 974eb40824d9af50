// Numbers in a file of an adapter, seen as a matrix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "files/folder.hpp"
#include "revlora/element.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// The files that an adapter is read from, all in one folder, open.
class adapter_files {
 public:
  explicit adapter_files(folder home) : home_(std::move(home)) {}

  const folder& home() const { return home_; }
  /// Opens a file of the folder, and waits until changes to it will show. Returns its number.
  std::size_t open(const std::string& name);
  const file& at(std::size_t number) const { return files_[number]; }
  std::size_t count() const { return files_.size(); }
  /// Throws a problem if somebody wrote to one, or put another in its place, since it was opened.
  void check_unchanged() const;

 private:
  folder home_;
  std::vector<file> files_;
};

/// `rows × cols` numbers, with strides in elements: every part, permutation of axes and selection
/// of every k-th column that formats need is one of these, and nothing is copied until it is read.
struct stored_matrix {
  std::size_t file = 0;     ///< number in adapter_files
  std::string dtype;        ///< as safetensors spells it
  std::uint64_t begin = 0;  ///< of element (0, 0), in bytes
  std::uint64_t rows = 0;
  std::uint64_t cols = 0;
  std::uint64_t row_stride = 0;
  std::uint64_t col_stride = 1;

  stored_matrix transposed() const;
  stored_matrix row_slice(std::uint64_t first, std::uint64_t count) const;
  stored_matrix column_slice(std::uint64_t first, std::uint64_t count) const;
  /// Every `step`-th column, from `first` on.
  stored_matrix every_column(std::uint64_t first, std::uint64_t step) const;
  bool operator==(const stored_matrix&) const = default;
};

/// A tensor of a file as the matrix of its first dimension by all others; of a vector one column,
/// of a scalar one number.
stored_matrix matrix_of(std::size_t file, const tensor& stored);

/// Its numbers, row by row, without gaps, as they are. Reads no more than the rows, or the columns,
/// that it has.
std::vector<std::byte> read(const adapter_files& files, const stored_matrix& from);

/// The same in another type: exactly, if that has all of its numbers, else rounded to nearest even.
/// Of F64, F32, F16, BF16, F8_E4M3 and F8_E5M2; throws a problem for others.
std::vector<std::byte> read_as(const adapter_files& files, const stored_matrix& from,
                               element_type type);

}  // namespace revlora::tool
