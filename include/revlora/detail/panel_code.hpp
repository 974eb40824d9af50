// The code of a panel, and memory to make it in.
#pragma once

#include <cstddef>
#include <span>

#include "../element.hpp"
#include "block.hpp"
#include "convert.hpp"
#include "memory.hpp"

namespace revlora::inline v0::detail {

/// The code of a panel, as bytes.
struct panel_code {
  std::span<const std::byte> bits;        ///< of the weights that carry some
  std::span<const std::byte> exceptions;  ///< weights that the decoder would get wrong
};

/// Memory for the code of one panel, enough for the worst case: most of it is never touched.
struct panel_scratch {
  aligned_array<std::byte> bits;
  aligned_array<std::byte> exceptions;

  template <element T>
  static panel_scratch for_width(std::ptrdiff_t cols) {
    const auto weights = static_cast<std::size_t>(blocks_of(cols) * block_size);
    // A weight between zeros takes two bits more than its width; an exception a gap and a weight.
    return {allocate<std::byte>(weights * (layout<T>::width + 2) / 8 + 16),
            allocate<std::byte>(weights * (5 + sizeof(T)) + 16)};
  }
};

}  // namespace revlora::inline v0::detail
