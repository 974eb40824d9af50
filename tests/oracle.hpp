// The reference: what every bit must be, written from the definition and as slowly as it likes.
//
// Nothing here is shared with the library. Numbers are decoded by IEEE 754's formula, rounding
// looks for the nearest value in the sorted table of all values, and sums are plain loops over
// std::fma.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "revlora/low_rank.hpp"
#include "revlora/matrix_view.hpp"
#include "revlora/merge_report.hpp"

namespace oracle {

using revlora::bf16;
using revlora::e4m3;
using revlora::e5m2;
using revlora::f16;

/// IEEE 754's parameters of a format, its largest number, and the one NaN that arithmetic may
/// produce.
template <class T>
struct format;
template <>
struct format<float> {
  using bits = std::uint32_t;
  static constexpr int exponent_width = 8, fraction_width = 23;
  static constexpr bits largest = 0x7f7fffff, canonical_nan = 0x7fc00000;
};
template <>
struct format<f16> {
  using bits = std::uint16_t;
  static constexpr int exponent_width = 5, fraction_width = 10;
  static constexpr bits largest = 0x7bff, canonical_nan = 0x7e00;
};
template <>
struct format<bf16> {
  using bits = std::uint16_t;
  static constexpr int exponent_width = 8, fraction_width = 7;
  static constexpr bits largest = 0x7f7f, canonical_nan = 0x7fc0;
};

/// As IEEE 754, in eight bits.
template <>
struct format<e5m2> {
  using bits = std::uint8_t;
  static constexpr int exponent_width = 5, fraction_width = 2;
  static constexpr bits largest = 0x7b, canonical_nan = 0x7e;
};
/// Not IEEE 754's: numbers go on where infinity would be, and the last pattern is the only NaN.
template <>
struct format<e4m3> {
  using bits = std::uint8_t;
  static constexpr int exponent_width = 4, fraction_width = 3;
  static constexpr bits largest = 0x7e, canonical_nan = 0x7f;
};
template <class T>
inline constexpr bool has_infinity = format<T>::largest + 1 < format<T>::canonical_nan;

template <class T>
using bits_t = typename format<T>::bits;

template <class T>
bits_t<T> bits_of(T x) {
  return std::bit_cast<bits_t<T>>(x);
}

template <class T>
T from_bits(std::uint32_t bits) {
  return std::bit_cast<T>(static_cast<bits_t<T>>(bits));
}

template <class T>
inline constexpr std::uint32_t infinity_bits = format<T>::largest + 1;
/// The largest pattern that is no NaN.
template <class T>
inline constexpr std::uint32_t last_bits = format<T>::largest + (has_infinity<T> ? 1 : 0);
template <class T>
inline constexpr std::uint32_t sign_bit =
    1u << (format<T>::exponent_width + format<T>::fraction_width);

/// Spacing of T's values around `magnitude`; at the subnormals, of those.
template <class T>
double ulp(double magnitude) {
  constexpr int bias = (1 << (format<T>::exponent_width - 1)) - 1;
  const int exponent =
      magnitude == 0 ? 1 - bias : std::max(std::ilogb(std::fabs(magnitude)), 1 - bias);
  return std::ldexp(1.0, exponent - format<T>::fraction_width);
}

/// The number that the bits stand for (any NaN for a NaN).
template <class T>
double value_of(T x) {
  constexpr int fraction_width = format<T>::fraction_width;
  constexpr std::uint32_t top = (1u << format<T>::exponent_width) - 1;
  constexpr int bias = static_cast<int>(top / 2);
  const std::uint32_t bits = oracle::bits_of(x);
  const std::uint32_t exponent = (bits >> fraction_width) & top;
  const double fraction = bits & ((1u << fraction_width) - 1);
  double magnitude;
  if ((bits & (sign_bit<T> - 1)) > format<T>::largest) {
    magnitude = fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                              : std::numeric_limits<double>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, 1 - bias - fraction_width);
  } else {
    magnitude = std::ldexp(fraction + (1u << fraction_width),
                           static_cast<int>(exponent) - bias - fraction_width);
  }
  return std::copysign(magnitude, (bits & sign_bit<T>) != 0 ? -1.0 : 1.0);
}

template <class T>
float widen(T x) {
  return static_cast<float>(value_of(x));  // exact: every value of the types is a float
}
inline float widen(float x) {
  return x;
}

/// All magnitudes of a type of 16 bits or fewer in ascending order; the index is the bit pattern.
/// The last one is what would come next if exponents had no end: that is where IEEE 754 overflows
/// to infinity.
template <class T>
const std::vector<double>& magnitudes() {
  static const std::vector<double> table = [] {
    std::vector<double> values;
    for (std::uint32_t bits = 0; bits <= format<T>::largest; ++bits) {
      values.push_back(value_of(from_bits<T>(bits)));
    }
    values.push_back(values.back() + ulp<T>(values.back()));
    return values;
  }();
  return table;
}

/// What becomes of numbers that are rounded beyond the largest of a type without infinity.
enum class overflow { to_largest, to_nan };

/// The bits of round_T(z): nearest value, ties to the even pattern, canonical NaN.
template <class T, overflow beyond = overflow::to_largest>
T round(float z) {
  if (std::isnan(z)) return from_bits<T>(format<T>::canonical_nan);
  if constexpr (sizeof(T) == sizeof(float)) {
    return z;
  } else {
    const std::vector<double>& table = magnitudes<T>();
    const double magnitude = std::fabs(static_cast<double>(z));
    const auto above = static_cast<std::uint32_t>(
        std::upper_bound(table.begin(), table.end(), magnitude) - table.begin());
    std::uint32_t nearest = above - 1;
    if (above < table.size()) {
      const double middle = (table[above - 1] + table[above]) / 2;
      const bool up = magnitude > middle || (magnitude == middle && above % 2 == 0);
      if (up) nearest = above;
    }
    if (!has_infinity<T> && nearest > format<T>::largest) {
      if (beyond == overflow::to_nan) return from_bits<T>(format<T>::canonical_nan);
      nearest = format<T>::largest;
    }
    return from_bits<T>(nearest | (std::signbit(z) ? sign_bit<T> : 0));
  }
}

template <class T>
bool is_finite(T x) {
  return std::isfinite(value_of(x));
}

/// A factor in fp32, rows one after the other.
template <class T>
std::vector<float> widened(const revlora::any_const_matrix& m) {
  std::vector<float> values;
  const T* data = static_cast<const T*>(m.data());
  for (std::ptrdiff_t i = 0; i < m.rows(); ++i) {
    for (std::ptrdiff_t j = 0; j < m.cols(); ++j)
      values.push_back(widen(data[i * m.row_stride() + j]));
  }
  return values;
}

inline std::vector<float> widened(const revlora::any_const_matrix& m) {
  switch (m.type()) {
    case revlora::element_type::fp32:
      return widened<float>(m);
    case revlora::element_type::fp16:
      return widened<f16>(m);
    case revlora::element_type::bf16:
      return widened<bf16>(m);
    case revlora::element_type::e4m3:
      return widened<e4m3>(m);
    case revlora::element_type::e5m2:
      return widened<e5m2>(m);
  }
  return {};
}

/// Two chains per block of 32 ranks, over its even and its odd positions.
inline float accumulate(const float* b, const float* a, std::ptrdiff_t a_stride,
                        std::ptrdiff_t rank) {
  float t = 0.0f;
  for (std::ptrdiff_t block = 0; block < rank; block += 32) {
    float even = 0.0f, odd = 0.0f;
    for (std::ptrdiff_t k = block; k < std::min(block + 32, rank); ++k) {
      float& chain = (k - block) % 2 == 0 ? even : odd;
      chain = std::fma(b[k], a[k * a_stride], chain);
    }
    t = t + (even + odd);
  }
  return t;
}

/// Rounded to fp32, whatever is done with it next.
[[gnu::noinline]] inline float product(float a, float b) {
  return a * b;
}

/// D of a list of adapters, row by row, before any recipe.
class deltas {
 public:
  explicit deltas(revlora::adapter_list adapters) {
    for (const revlora::adapter& adapter : adapters) {
      term made{{}, adapter.strength()};
      for (std::size_t i = 0; i < adapter.factor_count(); i += 2) {
        const revlora::any_const_matrix b = adapter.factor(i), a = adapter.factor(i + 1);
        made.sums.push_back({widened(b), widened(a), a.cols(), a.rows()});
      }
      terms_.push_back(made);
    }
  }

  std::vector<float> row(std::ptrdiff_t i, std::ptrdiff_t cols) const {
    std::vector<float> sum(static_cast<std::size_t>(cols), 0.0f);
    for (std::size_t n = 0; n < terms_.size(); ++n) {
      const float strength = terms_[n].strength;
      for (std::ptrdiff_t j = 0; j < cols; ++j) {
        const float t = terms_[n].at(i, j);
        float& d = sum[static_cast<std::size_t>(j)];
        d = n == 0 ? std::fma(strength, t, 0.0f) : std::fma(strength, t + 0.0f, d);
      }
    }
    return sum;
  }

 private:
  /// B·A
  struct sums_of_products {
    std::vector<float> b, a;
    std::ptrdiff_t cols, rank;

    float at(std::ptrdiff_t i, std::ptrdiff_t j) const {
      return accumulate(b.data() + i * rank, a.data() + j, cols, rank);
    }
  };
  /// One of them, or two that are multiplied.
  struct term {
    std::vector<sums_of_products> sums;
    float strength;

    float at(std::ptrdiff_t i, std::ptrdiff_t j) const {
      const float first = sums[0].at(i, j);
      return sums.size() == 1 ? first : product(first, sums[1].at(i, j));
    }
  };
  std::vector<term> terms_;
};

/// By a recipe.
template <class T>
T round(float z, revlora::recipe how) {
  return how == revlora::recipe::nan ? round<T, overflow::to_nan>(z) : round<T>(z);
}

/// What a recipe adds to weights of type T, given D.
template <class T>
float to_be_added(float d, revlora::recipe how) {
  return how == revlora::recipe::rounded_delta ? widen(round<T>(d)) : d;
}

/// w ← round_T(combine(w, D)).
template <class T, class Combine>
revlora::merge_report apply(revlora::matrix_view<T> w, revlora::adapter_list adapters,
                            Combine combine) {
  if (adapters.empty()) return {};
  revlora::merge_report report;
  const deltas d(adapters);
  for (std::ptrdiff_t i = 0; i < w.rows; ++i) {
    const std::vector<float> row = d.row(i, w.cols);
    for (std::ptrdiff_t j = 0; j < w.cols; ++j) {
      T& x = w.data[i * w.row_stride + j];
      const T before = x;
      x = round<T>(
          combine(widen(x), to_be_added<T>(row[static_cast<std::size_t>(j)], adapters.recipe())),
          adapters.recipe());
      report.changed += oracle::bits_of(x) != oracle::bits_of(before);
      report.became_not_finite += is_finite(before) && !is_finite(x);
    }
  }
  return report;
}

template <class T>
revlora::merge_report merge(revlora::matrix_view<T> w, revlora::adapter_list adapters) {
  return apply(w, adapters, [](float x, float d) { return x + d; });
}

template <class T>
revlora::merge_report subtract(revlora::matrix_view<T> w, revlora::adapter_list adapters) {
  return apply(w, adapters, [](float x, float d) { return x - d; });
}

}  // namespace oracle
