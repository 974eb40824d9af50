// Memory to make the code of a panel in.
#pragma once

#include <cstddef>

#include "../../element.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "memory.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Memory for the code of one panel, enough for the worst case: most of it is never touched.
struct panel_scratch {
  aligned_array<std::byte> bits;
  aligned_array<std::byte> exceptions;

  static panel_scratch for_width(element_type type, std::ptrdiff_t cols) {
    const auto weights = static_cast<std::size_t>(blocks_of(cols) * block_size);
    // A weight between zeros takes two bits more than its width; an exception a gap and a weight.
    return {allocate<std::byte>(weights * (8 * size_of(type) + 2) / 8 + 16),
            allocate<std::byte>(weights * (5 + size_of(type)) + 16)};
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
