// Safetensors files.
#pragma once

#include <string>
#include <vector>

#include "files/file.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// The table of an open file, by reading no more of it.
std::vector<tensor> read_tensor_table(const file& opened);

/// An open file and its table.
class safetensors_file {
 public:
  explicit safetensors_file(file opened);

  const std::filesystem::path& path() const { return file_.path(); }
  const file& content() const { return file_; }
  std::uint64_t size_bytes() const { return file_.size(); }
  const std::vector<tensor>& tensors() const { return tensors_; }
  /// Reads the bytes of one of its tensors.
  std::vector<std::byte> bytes_of(const tensor& t) const;

 private:
  file file_;
  std::vector<tensor> tensors_;
};

}  // namespace revlora::tool
