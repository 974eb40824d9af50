// Safetensors files.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "file.hpp"
#include "tensor_table.hpp"

namespace revlora::tool {

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
