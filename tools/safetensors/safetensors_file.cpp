#include "safetensors/safetensors_file.hpp"

#include <array>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

std::vector<tensor> read_tensor_table(const file& opened) {
  const std::string source = quoted(opened.path());
  std::array<std::byte, 8> start;
  if (opened.size() < start.size()) throw problem(source + ": too short for a safetensors file");
  opened.read(start, 0);
  std::string header(header_size(start, opened.size(), source), '\0');
  opened.read(std::as_writable_bytes(std::span(header)), start.size());
  return read_tensor_table(header, opened.size(), source);
}

safetensors_file::safetensors_file(file opened)
    : file_(std::move(opened)), tensors_(read_tensor_table(file_)) {
}

std::vector<std::byte> safetensors_file::bytes_of(const tensor& t) const {
  std::vector<std::byte> bytes(t.size_bytes());
  file_.read(bytes, t.begin);
  return bytes;
}

}  // namespace revlora::tool
