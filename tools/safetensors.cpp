#include "safetensors.hpp"

#include <algorithm>

namespace revlora::tool {

safetensors_file::safetensors_file(const std::filesystem::path& path)
    : path_(path),
      mapping_(mapping::for_reading(path)),
      tensors_(read_tensor_table(mapping_.bytes(), "'" + path.string() + "'")) {
}

const tensor* safetensors_file::find(const std::string& name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const tensor& t) { return t.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

}  // namespace revlora::tool
