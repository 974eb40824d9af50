// A matrix whose elements lie between pages that may not be touched.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>
#include <set>
#include <utility>

#include "matrix.hpp"

namespace tests {

/// Which element lies against a page that may not be touched.
enum class against { first_element, last_element };

/// Of the pages of its memory only those with elements can be read and written: neither what is
/// before the first and behind the last, nor gaps between rows that are a page wide.
template <class T>
class guarded {
 public:
  /// Element (i, j) is `i * row_stride + j * col_stride` elements behind the first.
  guarded(std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t row_stride,
          std::ptrdiff_t col_stride, against side)
      : rows_(rows), cols_(cols), row_stride_(row_stride), col_stride_(col_stride) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto extent = static_cast<std::size_t>(offset_of(rows - 1, cols - 1) + 1) * sizeof(T);
    const std::size_t inner = (extent + page - 1) / page * page;
    size_ = inner + 2 * page;
    memory_ = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    const std::size_t lead = page + (side == against::first_element ? 0 : inner - extent);
    std::byte* const start = static_cast<std::byte*>(memory_);
    data_ = reinterpret_cast<T*>(start + lead);
    std::set<std::size_t> pages;
    for_each_element([&](std::ptrdiff_t i, std::ptrdiff_t j) {
      pages.insert((lead + static_cast<std::size_t>(offset_of(i, j)) * sizeof(T)) / page);
    });
    for (const std::size_t each : pages)
      if (mprotect(start + each * page, page, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  }
  guarded(guarded&& other) noexcept
      : rows_(other.rows_),
        cols_(other.cols_),
        row_stride_(other.row_stride_),
        col_stride_(other.col_stride_),
        size_(other.size_),
        memory_(std::exchange(other.memory_, MAP_FAILED)),
        data_(other.data_) {}
  ~guarded() {
    if (memory_ != MAP_FAILED) munmap(memory_, size_);
  }

  void operator=(const matrix<T>& from) {
    for_each_element([&](auto i, auto j) { data_[offset_of(i, j)] = from(i, j); });
  }
  /// The elements, in ordinary memory.
  matrix<T> copy() const {
    matrix<T> to(rows_, cols_);
    to.fill([&](auto i, auto j) { return data_[offset_of(i, j)]; });
    return to;
  }

  revlora::matrix_view<T> view() { return {data_, rows_, cols_, row_stride_, col_stride_}; }
  revlora::matrix_view<const T> view() const {
    return {data_, rows_, cols_, row_stride_, col_stride_};
  }

 private:
  std::ptrdiff_t offset_of(std::ptrdiff_t i, std::ptrdiff_t j) const {
    return i * row_stride_ + j * col_stride_;
  }
  template <class Visit>
  void for_each_element(const Visit& visit) const {
    for (std::ptrdiff_t i = 0; i < rows_; ++i)
      for (std::ptrdiff_t j = 0; j < cols_; ++j) visit(i, j);
  }

  std::ptrdiff_t rows_, cols_, row_stride_, col_stride_;
  std::size_t size_;
  void* memory_;
  T* data_;
};

}  // namespace tests
