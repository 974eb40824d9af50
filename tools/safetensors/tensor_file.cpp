#include "safetensors/tensor_file.hpp"

#include "safetensors/gguf_header.hpp"
#include "safetensors/safetensors_file.hpp"

namespace revlora::tool {

namespace {

tensor_container container_of(const file& opened) {
  return begins_like_gguf(opened.read_start(8)) ? tensor_container::gguf
                                                : tensor_container::safetensors;
}

std::vector<tensor> table_of(const file& opened, tensor_container container) {
  return container == tensor_container::gguf ? read_gguf(opened).tensors
                                             : read_tensor_table(opened);
}

}  // namespace

tensor_file::tensor_file(file opened)
    : file_(std::move(opened)),
      container_(container_of(file_)),
      tensors_(table_of(file_, container_)) {
}

std::vector<std::byte> tensor_file::bytes_of(const tensor& t) const {
  std::vector<std::byte> bytes(t.size_bytes());
  file_.read(bytes, t.begin);
  return bytes;
}

}  // namespace revlora::tool
