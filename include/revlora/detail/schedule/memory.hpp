// Uninitialised scratch memory on cache-line boundaries.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "../namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

struct aligned_delete {
  void operator()(void* memory) const { ::operator delete(memory, std::align_val_t(64)); }
};
template <class T>
using aligned_array = std::unique_ptr<T[], aligned_delete>;

/// Throws std::bad_alloc.
template <class T>
aligned_array<T> allocate(std::size_t count) {
  return aligned_array<T>(static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(64))));
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
