// Memory to make the codes of panels in, and to keep those of finished ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>

#include "../../element.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "call_memory.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Memory for the code of one panel, enough for the worst case: most of it is never touched.
struct panel_scratch {
  std::byte* bits;
  std::byte* exceptions;
  panel_scratch* next;  ///< that is free too
};

/// Scratch of the panels under way: as many as an executor runs at a time.
class scratch_pool {
 public:
  scratch_pool(call_memory& memory, element_type type, std::ptrdiff_t cols)
      : memory_(memory),
        weights_(static_cast<std::size_t>(blocks_of(cols) * block_size)),
        size_(size_of(type)) {}

  /// Makes some beforehand. Throws std::bad_alloc.
  void reserve(std::ptrdiff_t count) {
    for (std::ptrdiff_t i = 0; i < count; ++i) give_back(make());
  }
  /// Throws std::bad_alloc.
  panel_scratch* take() {
    {
      const std::lock_guard lock(mutex_);
      if (panel_scratch* const scratch = free_) {
        free_ = scratch->next;
        return scratch;
      }
    }
    return make();
  }
  void give_back(panel_scratch* scratch) {
    const std::lock_guard lock(mutex_);
    scratch->next = free_;
    free_ = scratch;
  }

 private:
  panel_scratch* make() {
    // A weight between zeros takes two bits more than its width; an exception a gap and a weight.
    auto* const bits = memory_.take<std::byte>(weights_ * (8 * size_ + 2) / 8 + 16);
    auto* const exceptions = memory_.take<std::byte>(weights_ * (5 + size_) + 16);
    return new (memory_.take<panel_scratch>(1)) panel_scratch{bits, exceptions, nullptr};
  }

  call_memory& memory_;
  std::size_t weights_, size_;
  std::mutex mutex_;
  panel_scratch* free_ = nullptr;
};

using kernel_interface::panel_code;

/// A copy that lasts until the call returns. Throws std::bad_alloc.
inline panel_code copy_in(call_memory& memory, const panel_code& code) {
  auto* const bits = memory.take<std::byte>(code.bits_size + code.exceptions_size);
  auto* const exceptions = bits + code.bits_size;
  std::copy_n(code.bits, code.bits_size, bits);
  std::copy_n(code.exceptions, code.exceptions_size, exceptions);
  return {bits, code.bits_size, exceptions, code.exceptions_size};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
