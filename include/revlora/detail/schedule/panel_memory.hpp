// Memory for the codes of panels under way, and for those of finished ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../record/bits.hpp"
#include "../record/contents.hpp"
#include "../refuse.hpp"
#include "panel_scratch.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Scratch of the panels under way: as many as an executor runs at a time.
class scratch_pool {
 public:
  /// Throws std::bad_alloc.
  panel_scratch take(element_type type, std::ptrdiff_t cols) {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        panel_scratch scratch = std::move(free_.back());
        free_.pop_back();
        return scratch;
      }
    }
    return panel_scratch::for_width(type, cols);
  }
  void give_back(panel_scratch scratch) {
    const std::lock_guard lock(mutex_);
    had_memory([&] { free_.push_back(std::move(scratch)); });  // else it is freed
  }

 private:
  std::mutex mutex_;
  std::vector<panel_scratch> free_;
};

using kernel_interface::panel_code;

/// Appends the code of a panel that is finished. Throws std::bad_alloc, the arena as it was.
inline void append_code(std::vector<std::byte>& arena, panel_entry& panel, const panel_code& code) {
  std::byte length[varint_max];
  std::byte* length_end = length;
  if (code.exceptions_size > 0) length_end = put_varint(length, code.exceptions_size);

  const std::size_t offset = arena.size();
  const std::size_t size =
      static_cast<std::size_t>(length_end - length) + code.exceptions_size + code.bits_size;
  if (arena.capacity() < offset + size)
    arena.reserve(std::max(offset + size, 2 * arena.capacity()));
  arena.insert(arena.end(), length, length_end);
  arena.insert(arena.end(), code.exceptions, code.exceptions + code.exceptions_size);
  arena.insert(arena.end(), code.bits, code.bits + code.bits_size);
  panel.offset = offset;
  panel.size = size;
  panel.has_exceptions = code.exceptions_size > 0;
}

/// The code of a panel that was appended to an arena, or that lies in the bytes of a record.
inline panel_code code_of(const panel_entry& panel, std::span<const std::byte> bytes) {
  byte_reader in(bytes.subspan(panel.offset, panel.size));
  const auto exceptions = in.take(panel.has_exceptions ? in.get_varint() : 0);
  return {in.rest().data(), in.rest().size(), exceptions.data(), exceptions.size()};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
