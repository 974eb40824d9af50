// From a type known at run time to a matrix_view: the program's data has its type in a file.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "revlora/element.hpp"
#include "revlora/matrix_view.hpp"

namespace revlora::tool {

/// Calls `use.template operator()<T>()` with the element type that `type` names.
template <class Use>
void with_element(element_type type, const Use& use) {
  switch (type) {
    case element_type::fp32:
      return use.template operator()<float>();
    case element_type::fp16:
      return use.template operator()<f16>();
    case element_type::bf16:
      return use.template operator()<bf16>();
  }
}

/// A matrix somewhere in a file: its type and extents.
struct matrix_shape {
  element_type type;
  std::ptrdiff_t rows;
  std::ptrdiff_t cols;
};

/// Calls `use` with a view of `bytes` as a matrix. Files may put data anywhere: where it is not
/// aligned for its type, `use` works on a copy, which is written back if `use` changed it.
template <class Use>
void with_matrix(std::span<std::byte> bytes, const matrix_shape& shape, const Use& use) {
  with_element(shape.type, [&]<class T>() {
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(T) == 0) {
      use(matrix_view<T>(reinterpret_cast<T*>(bytes.data()), shape.rows, shape.cols));
      return;
    }
    std::vector<T> aligned(bytes.size() / sizeof(T));
    std::memcpy(aligned.data(), bytes.data(), bytes.size());
    use(matrix_view<T>(aligned.data(), shape.rows, shape.cols));
    // The bytes may be mapped for reading only.
    if (std::memcmp(bytes.data(), aligned.data(), bytes.size()) != 0) {
      std::memcpy(bytes.data(), aligned.data(), bytes.size());
    }
  });
}

}  // namespace revlora::tool
