// Where weights and factors come from: distributions that reach every corner of a format.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>

#include "matrix.hpp"

namespace tests {

using engine = std::mt19937_64;

enum class kind {
  normal,     ///< N(0, scale)
  coarse,     ///< integers in −4 … 4, times scale: exact sums, exact ties
  subnormal,  ///< below twice the type's smallest normal number
  any_bits,   ///< every bit pattern: NaN payloads, infinities
  zeros,      ///< of both signs
  wild,       ///< all of these mixed, with the largest numbers and infinities
};

inline constexpr kind all_kinds[] = {kind::normal,   kind::coarse, kind::subnormal,
                                     kind::any_bits, kind::zeros,  kind::wild};

inline const char* name_of(kind k) {
  constexpr const char* names[] = {"normal", "coarse", "subnormal", "any_bits", "zeros", "wild"};
  return names[static_cast<int>(k)];
}

template <class T>
T draw(engine& random, kind k, float scale) {
  const auto bits = static_cast<std::uint32_t>(random());
  const std::uint32_t sign = (bits & 1) != 0 ? oracle::sign_bit<T> : 0;
  switch (k) {
    case kind::normal:
      return oracle::round<T>(std::normal_distribution<float>(0, scale)(random));
    case kind::coarse:
      return oracle::round<T>(scale * static_cast<float>(bits % 9) - 4 * scale);
    case kind::subnormal:
      return oracle::from_bits<T>((bits >> 1) % (2u << oracle::format<T>::fraction_width) | sign);
    case kind::any_bits:
      return oracle::from_bits<T>(bits);
    case kind::zeros:
      return oracle::from_bits<T>(sign);
    case kind::wild:
      break;
  }
  switch (random() % 8) {
    case 0:
      return oracle::from_bits<T>((oracle::infinity_bits<T> - (bits >> 1) % 3) | sign);
    case 1:
      return oracle::from_bits<T>(sign);
    case 2:
      return draw<T>(random, kind::any_bits, scale);
    case 3:
      return draw<T>(random, kind::subnormal, scale);
    case 4:
      return draw<T>(random, kind::coarse, scale);
    default:
      return draw<T>(random, kind::normal, scale);
  }
}

template <class T>
void fill(matrix<T>& m, engine& random, kind k, float scale) {
  m.fill([&](std::ptrdiff_t, std::ptrdiff_t) { return draw<T>(random, k, scale); });
}

template <class T>
matrix<T> random_matrix(engine& random, std::ptrdiff_t rows, std::ptrdiff_t cols, kind k,
                        float scale, std::ptrdiff_t gap = 3) {
  matrix<T> m(rows, cols, gap);
  fill(m, random, k, scale);
  return m;
}

/// An adapter that owns its factors.
template <class F>
struct factors {
  matrix<F> b;
  matrix<F> a;
  float strength;

  revlora::low_rank view() const { return {b.view(), a.view(), strength}; }
};

template <class F>
factors<F> random_factors(engine& random, std::ptrdiff_t rows, std::ptrdiff_t cols,
                          std::ptrdiff_t rank, kind k, float scale, float strength) {
  return {random_matrix<F>(random, rows, rank, k, scale, 5),
          random_matrix<F>(random, rank, cols, k, scale, 2), strength};
}

/// One adapter of each factor type, beginning with F. The first `count` of them are a list.
template <class F>
struct mixed_factors;

template <class F, class G, class H>
struct three_factors {
  factors<F> first;
  factors<G> second;
  factors<H> third;

  three_factors(engine& random, std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t rank,
                kind k, float scale, float strength)
      : first(random_factors<F>(random, rows, cols, rank, k, scale, strength)),
        second(random_factors<G>(random, rows, cols, rank + 1, k, scale, -0.75f * strength)),
        third(random_factors<H>(random, rows, cols, rank / 2, k, scale, 1.5f * strength)) {}

  std::vector<revlora::low_rank> list(std::size_t count = 3) const {
    std::vector<revlora::low_rank> all{first.view(), second.view(), third.view()};
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(count), all.end());
    return all;
  }
};

template <>
struct mixed_factors<float> : three_factors<float, revlora::bf16, revlora::f16> {
  using three_factors::three_factors;
};
template <>
struct mixed_factors<revlora::f16> : three_factors<revlora::f16, float, revlora::bf16> {
  using three_factors::three_factors;
};
template <>
struct mixed_factors<revlora::bf16> : three_factors<revlora::bf16, revlora::f16, float> {
  using three_factors::three_factors;
};

template <>
struct mixed_factors<revlora::e4m3> : three_factors<revlora::e4m3, float, revlora::bf16> {
  using three_factors::three_factors;
};
template <>
struct mixed_factors<revlora::e5m2> : three_factors<revlora::e5m2, revlora::e4m3, revlora::f16> {
  using three_factors::three_factors;
};

/// A rank-16 adapter whose D is, bit for bit, the 16-row matrix of finite floats `d` (−0 gives +0):
/// B picks row i out of A, and adding the other products, all zero, changes nothing.
inline factors<float> adapter_of_delta(matrix<float> d) {
  matrix<float> identity(16, 16);
  identity.fill([](std::ptrdiff_t i, std::ptrdiff_t j) { return i == j ? 1.0f : 0.0f; });
  return {std::move(identity), std::move(d), 1.0f};
}

/// A rank-1 adapter with D = `rows[i]` in all of row i, infinities and NaN included (−0 gives +0).
inline factors<float> adapter_of_rows(const std::vector<float>& rows, std::ptrdiff_t cols) {
  factors<float> adapter{matrix<float>(static_cast<std::ptrdiff_t>(rows.size()), 1),
                         matrix<float>(1, cols), 1.0f};
  adapter.b.fill(
      [&](std::ptrdiff_t i, std::ptrdiff_t) { return rows[static_cast<std::size_t>(i)]; });
  adapter.a.fill([](std::ptrdiff_t, std::ptrdiff_t) { return 1.0f; });
  return adapter;
}

}  // namespace tests
