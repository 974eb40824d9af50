// Matrices with memory of their own, and bit patterns to fill them with.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <revlora/revlora.hpp>

namespace contract {

/// Pseudo-random words, the same on every machine: the upper halves of a congruential sequence.
class numbers {
 public:
  explicit numbers(std::uint64_t seed) : state_(seed) {}

  std::uint32_t operator()() {
    state_ = state_ * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
    return static_cast<std::uint32_t>(state_ >> 32);
  }
  std::uint32_t below(std::uint32_t count) { return (*this)() % count; }

 private:
  std::uint64_t state_;
};

/// The element whose bits are the low ones of a word.
template <class T>
T element_of(std::uint32_t bits) {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(bits);
  else
    return T::from_bits(static_cast<decltype(T::bits)>(bits));
}

enum class pattern {
  any,       ///< every bit pattern, infinities and NaN with payloads included
  ordinary,  ///< 1/64 to 1, of both signs
};

template <class T>
T draw(numbers& random, pattern kind) {
  const std::uint32_t bits = random();
  if (kind == pattern::any) return element_of<T>(bits);
  const float exponent = 1.0f / static_cast<float>(2u << random.below(6));
  const float magnitude = (1 + static_cast<float>(bits & 0x7fffff) / 0x800000) * exponent;
  return static_cast<T>(bits >> 31 != 0 ? -magnitude : magnitude);
}

/// rows × cols elements, and `gap` more behind each row that must never change.
template <class T>
class grid {
 public:
  grid(std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t gap = 0)
      : rows_(rows),
        cols_(cols),
        stride_(cols + gap),
        elements_(static_cast<std::size_t>(rows * stride_)) {}
  grid(numbers& random, pattern kind, std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t gap)
      : grid(rows, cols, gap) {
    for (T& element : elements_) element = draw<T>(random, kind);
  }

  revlora::matrix_view<T> view() { return {elements_.data(), rows_, cols_, stride_}; }
  revlora::matrix_view<const T> view() const { return {elements_.data(), rows_, cols_, stride_}; }

  T& operator[](std::size_t at) { return elements_[at]; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(elements_)); }
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(elements_)); }

 private:
  std::ptrdiff_t rows_, cols_, stride_;
  std::vector<T> elements_;
};

/// An adapter that owns its factors.
template <class F>
struct factors {
  grid<F> b, a;
  float strength;

  factors(numbers& random, pattern kind, std::ptrdiff_t rows, std::ptrdiff_t cols,
          std::ptrdiff_t rank, float s)
      : b(random, kind, rows, rank, 2), a(random, kind, rank, cols, 3), strength(s) {}

  revlora::low_rank view() const { return {b.view(), a.view(), strength}; }
};

}  // namespace contract
