// Files with tensors that a model can be made of: safetensors, and GGUF.
#pragma once

#include <string>
#include <vector>

#include "files/file.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

enum class tensor_container { safetensors, gguf };

/// An open file and its table.
class tensor_file {
 public:
  /// Of which kind it is its content says, not its name.
  explicit tensor_file(file opened);

  tensor_container container() const { return container_; }

  const std::filesystem::path& path() const { return file_.path(); }
  const file& content() const { return file_; }
  std::uint64_t size_bytes() const { return file_.size(); }
  const std::vector<tensor>& tensors() const { return tensors_; }
  /// Reads the bytes of one of its tensors.
  std::vector<std::byte> bytes_of(const tensor& t) const;

 private:
  file file_;
  tensor_container container_;
  std::vector<tensor> tensors_;
};

}  // namespace revlora::tool
