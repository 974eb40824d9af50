// Memory that a call needs until it returns: taken piece by piece, given back all at once, and kept
// for the next call.
//
// What is new from the system is fresh pages, and each costs a page fault: 1 to 15 µs in virtual
// machines.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>

#include "../namespace.hpp"
#include "../plain.hpp"
#include "../refuse.hpp"
#include "poison.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline constexpr std::size_t cache_line = 64;

/// A piece of the system's memory; what is given out of it lies behind this.
struct alignas(cache_line) memory_block {
  memory_block* next;
  std::size_t size;  ///< of what lies behind

  std::byte* begin() { return reinterpret_cast<std::byte*>(this + 1); }
};

// What a door holds between calls is a pointer to one, without a type.
inline memory_block* block_of(plain::workspace* kept) {
  return reinterpret_cast<memory_block*>(kept);
}
inline plain::workspace* handle_of(memory_block* block) {
  return reinterpret_cast<plain::workspace*>(block);
}

/// Throws std::bad_alloc.
inline memory_block* new_block(std::size_t size) {
  void* const memory = ::operator new(sizeof(memory_block) + size, std::align_val_t(cache_line));
  return new (memory) memory_block{nullptr, size};
}
inline void free_block(memory_block* block) noexcept {
  ::operator delete(block, std::align_val_t(cache_line));
}
inline void free_workspace(plain::workspace* kept) noexcept {
  free_block(block_of(kept));
}

/// What a thread keeps from call to call.
struct thread_memory {
  plain::workspace* kept;
  std::size_t most;  ///< bytes that it may be
};

/// Enough for 4096×4096 weights of bf16 at rank 16 on two threads; what is never touched of it,
/// which is most, takes only addresses.
inline constexpr std::size_t most_kept_by_thread = std::size_t{4} << 20;

inline thread_memory& memory_of_this_thread() {
  // Without a destructor: other objects of the thread may make calls in theirs.
  thread_local constinit thread_memory memory{nullptr, most_kept_by_thread};
  thread_local struct end_of_thread {
    ~end_of_thread() {
      free_workspace(std::exchange(memory.kept, nullptr));
      memory.most = 0;
    }
  } frees;
  return memory;
}

class call_memory {
 public:
  /// Uses what `workspace` keeps, or, if that is null, what the thread does; in the end more is
  /// kept there, if more was needed. Meanwhile nothing is: a call that the thread makes during this
  /// one, by an executor that does other work while it waits, takes memory of its own.
  explicit call_memory(plain::workspace** workspace) noexcept
      : workspace_(workspace), blocks_(block_of(std::exchange(place(), nullptr))) {
    if (blocks_ != nullptr) give_out(*blocks_);
  }
  call_memory(const call_memory&) = delete;
  call_memory& operator=(const call_memory&) = delete;
  ~call_memory() { free_workspace(std::exchange(place(), handle_of(block_to_keep()))); }

  /// Uninitialised memory for `count` of T, on a cache line of its own. Any thread may take some.
  /// Throws std::bad_alloc.
  template <class T>
  T* take(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= cache_line);
    return static_cast<T*>(take_bytes(count * sizeof(T)));
  }

 private:
  plain::workspace*& place() const {
    return workspace_ != nullptr ? *workspace_ : memory_of_this_thread().kept;
  }

  void* take_bytes(std::size_t size) {
    const std::size_t lines = (size + cache_line - 1) / cache_line * cache_line + poisoned_gap;
    const std::lock_guard lock(mutex_);
    // By at least as much as there was, so that few pieces are needed, whatever their sizes.
    if (lines > left_) add_block(std::max({lines, taken_, smallest_block}));
    std::byte* const at = next_;
    next_ += lines;
    left_ -= lines;
    taken_ += lines;
    unpoison(at, size);
    return at;
  }

  void add_block(std::size_t size) {
    memory_block* const block = new_block(size);
    block->next = std::exchange(blocks_, block);
    give_out(*block);
  }

  void give_out(memory_block& block) {
    next_ = block.begin();
    left_ = block.size;
    poison(next_, left_);
  }

  /// One block, in which the next call of this kind finds all that this one took, in whatever order
  /// its threads take it; null if there is none, or no memory for one.
  memory_block* block_to_keep() noexcept {
    if (blocks_ == nullptr) return nullptr;
    const std::size_t most = workspace_ != nullptr ? SIZE_MAX : memory_of_this_thread().most;
    if (blocks_->next == nullptr && blocks_->size <= most) return blocks_;
    // A quarter more, because the next codes may be longer.
    const std::size_t wanted = std::min(taken_ + taken_ / 4, most);
    memory_block* kept = nullptr;
    while (blocks_ != nullptr) {
      memory_block* const block = std::exchange(blocks_, blocks_->next);
      if (kept == nullptr && block->size == wanted)
        kept = block;
      else
        free_block(block);
    }
    if (kept != nullptr)
      kept->next = nullptr;
    else if (wanted > 0)
      had_memory([&] { kept = new_block(wanted); });  // else nothing is kept
    return kept;
  }

  static constexpr std::size_t smallest_block = std::size_t{1} << 16;

  plain::workspace** workspace_;
  std::mutex mutex_;
  memory_block* blocks_;  ///< the one that is given out, and full ones behind it
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
