// The scales of weights as the kernels read them: fp32, without gaps.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "../format.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../plain.hpp"
#include "../views.hpp"
#include "call_memory.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// The scale in a row and a column of a grid of them.
inline float scale_at(const plain::matrix& scales, std::ptrdiff_t row, std::ptrdiff_t column) {
  const void* const at = element_at(scales, row * scales.row_stride + column * scales.col_stride);
  return with_element(static_cast<element_type>(scales.type), [&]<class T>(const T*) {
    return std::bit_cast<float>(format<T>::widened(bits_of(*static_cast<const T*>(at))));
  });
}

class widened_scales {
 public:
  /// Four bytes a scale. Throws std::bad_alloc.
  widened_scales(const plain::weights& w, call_memory& memory) {
    if (!is_scaled(w)) return;
    const plain::matrix& scales = w.scales;
    float* const values = memory.take<float>(static_cast<std::size_t>(scales.rows * scales.cols));
    float* to = values;
    for (std::ptrdiff_t i = 0; i < scales.rows; ++i)
      for (std::ptrdiff_t j = 0; j < scales.cols; ++j) *to++ = scale_at(scales, i, j);
    grid_ = {values, scales.cols, w.scale_rows, w.scale_cols};
  }

  const kernel_interface::scale_grid& grid() const { return grid_; }

 private:
  kernel_interface::scale_grid grid_{};
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
