// Lets AddressSanitizer notice who leaves the memory that was given to him, out of a larger piece.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define REVLORA_POISONS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REVLORA_POISONS
#endif
#endif
#ifdef REVLORA_POISONS
#include <sanitizer/asan_interface.h>
#endif

#include "../namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

#ifdef REVLORA_POISONS
inline constexpr std::size_t poisoned_gap = 64;  ///< between one that was given and the next

inline void poison(void* from, std::size_t bytes) {
  __asan_poison_memory_region(from, bytes);
}
inline void unpoison(void* from, std::size_t bytes) {
  __asan_unpoison_memory_region(from, bytes);
}
#else
inline constexpr std::size_t poisoned_gap = 0;

inline void poison(void*, std::size_t) {
}
inline void unpoison(void*, std::size_t) {
}
#endif

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
