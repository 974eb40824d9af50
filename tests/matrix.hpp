// A matrix in a frame of canaries, and the only comparison that the tests know: equality of bits.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "oracle.hpp"
#include "revlora/merge_report.hpp"

namespace tests {

/// A NaN with a payload that no arithmetic produces.
template <class T>
T canary() {
  return oracle::from_bits<T>(oracle::format<T>::canonical_nan | 0x2b);
}

/// rows × cols elements with canaries before the first row, behind every row and after the last.
/// `lead` elements before the data make it as misaligned as its type can be.
template <class T>
class matrix {
 public:
  matrix(std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t gap = 3, std::ptrdiff_t lead = 7)
      : rows_(rows),
        cols_(cols),
        stride_(cols + gap),
        lead_(lead),
        storage_(static_cast<std::size_t>(lead + rows * (cols + gap) + 67), canary<T>()) {}

  std::ptrdiff_t rows() const { return rows_; }
  std::ptrdiff_t cols() const { return cols_; }
  std::ptrdiff_t stride() const { return stride_; }
  std::ptrdiff_t size() const { return rows_ * cols_; }

  T* data() { return storage_.data() + lead_; }
  const T* data() const { return storage_.data() + lead_; }
  T& operator()(std::ptrdiff_t i, std::ptrdiff_t j) { return data()[i * stride_ + j]; }
  const T& operator()(std::ptrdiff_t i, std::ptrdiff_t j) const { return data()[i * stride_ + j]; }

  revlora::matrix_view<T> view() { return {data(), rows_, cols_, stride_}; }
  revlora::matrix_view<const T> view() const { return {data(), rows_, cols_, stride_}; }

  /// Element (i, j) ← next(i, j) for all, row by row.
  template <class Next>
  void fill(Next next) {
    for (std::ptrdiff_t i = 0; i < rows_; ++i) {
      for (std::ptrdiff_t j = 0; j < cols_; ++j) (*this)(i, j) = next(i, j);
    }
  }

  /// Everything, canaries included.
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(storage_)); }

  /// Says which element the position `at` of the whole storage is.
  testing::AssertionResult mismatch(std::size_t at, const matrix& got) const {
    const std::ptrdiff_t position = static_cast<std::ptrdiff_t>(at) - lead_;
    testing::AssertionResult result = testing::AssertionFailure();
    const bool inside = position >= 0 && position < rows_ * stride_;
    if (inside && position % stride_ < cols_) {
      result << "element (" << position / stride_ << ", " << position % stride_ << ") of " << rows_
             << " x " << cols_;
    } else {
      result << "canary at " << position << " from the first element (stride " << stride_ << ")";
    }
    return result << ": expected 0x" << std::hex << oracle::bits_of(storage_[at]) << ", got 0x"
                  << oracle::bits_of(got.storage_[at]) << std::dec;
  }

  /// Bits of all elements and canaries.
  friend testing::AssertionResult same_bits(const matrix& expected, const matrix& got) {
    const auto bits_differ = [](T x, T y) { return oracle::bits_of(x) != oracle::bits_of(y); };
    if (expected.storage_.size() != got.storage_.size()) {
      return testing::AssertionFailure() << "matrices of different sizes";
    }
    for (std::size_t at = 0; at < expected.storage_.size(); ++at) {
      if (bits_differ(expected.storage_[at], got.storage_[at])) return expected.mismatch(at, got);
    }
    return testing::AssertionSuccess();
  }

 private:
  std::ptrdiff_t rows_, cols_, stride_, lead_;
  std::vector<T> storage_;
};

inline testing::AssertionResult same_report(const revlora::merge_report& expected,
                                            const revlora::merge_report& got) {
  if (expected == got) return testing::AssertionSuccess();
  return testing::AssertionFailure() << got.changed << " are said to be changed and "
                                     << got.became_not_finite << " not finite any more, but it is "
                                     << expected.changed << " and " << expected.became_not_finite;
}

inline testing::AssertionResult same_bytes(std::span<const std::byte> expected,
                                           std::span<const std::byte> got) {
  if (expected.size() != got.size()) {
    return testing::AssertionFailure() << expected.size() << " bytes expected, got " << got.size();
  }
  const auto [e, g] = std::mismatch(expected.begin(), expected.end(), got.begin());
  if (e == expected.end()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "byte " << e - expected.begin() << ": expected "
                                     << static_cast<int>(*e) << ", got " << static_cast<int>(*g);
}

}  // namespace tests
