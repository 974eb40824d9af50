// Matrices that lie anyhow in memory, with a fence around their elements.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <revlora/revlora.hpp>

#include "grid.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define REVLORA_CONTRACT_FENCES
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REVLORA_CONTRACT_FENCES
#endif
#endif
#ifdef REVLORA_CONTRACT_FENCES
#include <sanitizer/asan_interface.h>
#endif

namespace contract {

/// rows × cols elements by rows or by columns, with up to 24 others before the first, behind the
/// last, and between the rows or columns. Under AddressSanitizer nobody else may touch those, but
/// for the few that share eight bytes with an element behind them.
template <class T>
class fenced_grid {
 public:
  fenced_grid(numbers& random, pattern kind, std::ptrdiff_t rows, std::ptrdiff_t cols,
              bool by_columns = false)
      : rows_(rows),
        cols_(cols),
        by_columns_(by_columns),
        lead_(static_cast<std::ptrdiff_t>(random.below(25))),
        stride_((by_columns ? rows : cols) + static_cast<std::ptrdiff_t>(random.below(25))),
        memory_(static_cast<std::size_t>(lead_ + lines() * stride_ + 24)) {
    for (T& element : memory_) element = draw<T>(random, kind);
    fence(true);
  }
  fenced_grid(const fenced_grid& other)
      : rows_(other.rows_),
        cols_(other.cols_),
        by_columns_(other.by_columns_),
        lead_(other.lead_),
        stride_(other.stride_),
        memory_(other.contents()) {
    fence(true);
  }
  fenced_grid(fenced_grid&&) = default;  // the fence stays with the memory
  fenced_grid& operator=(const fenced_grid&) = delete;
  ~fenced_grid() { fence(false); }

  revlora::matrix_view<T> view() { return its_view(memory_.data()); }
  revlora::matrix_view<const T> view() const { return its_view(memory_.data()); }

  /// Everything, what is no element included.
  std::vector<T> contents() const {
    fence(false);
    std::vector<T> copy = memory_;
    fence(true);
    return copy;
  }

 private:
  std::ptrdiff_t lines() const { return by_columns_ ? cols_ : rows_; }

  template <class Element>
  revlora::matrix_view<Element> its_view(Element* memory) const {
    const bool empty = rows_ == 0 || cols_ == 0;  // whose data may be null
    return {empty ? nullptr : memory + lead_, rows_, cols_, by_columns_ ? 1 : stride_,
            by_columns_ ? stride_ : 1};
  }

  void fence([[maybe_unused]] bool up) const {
#ifdef REVLORA_CONTRACT_FENCES
    const auto size_in_bytes = [](std::ptrdiff_t count) {
      return static_cast<std::size_t>(count) * sizeof(T);
    };
    if (memory_.empty()) return;  // moved from
    const std::size_t whole = memory_.size() * sizeof(T);
    if (!up) return __asan_unpoison_memory_region(memory_.data(), whole);
    __asan_poison_memory_region(memory_.data(), whole);
    const std::ptrdiff_t length = by_columns_ ? rows_ : cols_;
    for (std::ptrdiff_t line = 0; line < lines(); ++line)
      __asan_unpoison_memory_region(memory_.data() + lead_ + line * stride_, size_in_bytes(length));
#endif
  }

  std::ptrdiff_t rows_, cols_;
  bool by_columns_;
  std::ptrdiff_t lead_, stride_;
  std::vector<T> memory_;
};

}  // namespace contract
