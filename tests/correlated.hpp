// Pairs (x, D) made to be hard: D is chosen with x in sight.
#pragma once

#include "values.hpp"

namespace tests {

struct weight_and_delta {
  float x, d;
};

inline constexpr const char* correlation_names[] = {
    "D near -x",        "D near -2x",     "sum near a power of two", "D around half an ulp of x",
    "D coarser than x", "sum a tie of T", "sum subnormal",           "sum near the overflow",
    "x and D coarse",   "x far below D",  "x and D of any exponent", "few mantissa bits",
    "x zero or tiny"};
inline constexpr int correlations = static_cast<int>(std::size(correlation_names));

/// The float `steps` representable values further, in the order of bit patterns.
inline float steps_from(float x, std::int32_t steps) {
  const float moved =
      oracle::from_bits<float>(oracle::bits_of(x) + static_cast<std::uint32_t>(steps));
  return std::isfinite(moved) ? moved : x;
}

/// A pair for weights of type T. Every pair is finite; x is rounded to T.
template <class T>
weight_and_delta draw_correlated(engine& random, int correlation) {
  constexpr int p = oracle::format<T>::fraction_width;
  const auto pick = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  };
  const auto to_weight = [](float x) {
    const float rounded = oracle::widen(oracle::round<T>(x));
    return std::isfinite(rounded) ? rounded : 0.0f;
  };
  const float sign = pick(0, 1) == 0 ? -1.0f : 1.0f;
  const float significand =
      sign * std::ldexp(static_cast<float>(pick(1 << 23, (1 << 24) - 1)), -23);
  const int exponent = pick(-12, 12);
  const float x = to_weight(std::ldexp(significand, exponent));
  const float ulp = static_cast<float>(oracle::ulp<T>(x));
  const auto integer = [&](int bound) { return static_cast<float>(pick(-bound, bound)); };
  switch (correlation) {
    case 0:
      return {x, steps_from(-x, pick(-40, 40))};
    case 1:
      return {x, steps_from(-2 * x, pick(-40, 40))};
    case 2:
      return {x, steps_from(sign * std::ldexp(1.0f, pick(-12, 12)), pick(-3, 3)) - x};
    case 3:
      return {x, steps_from(integer(5) * ulp / 2, pick(-2, 2))};
    case 4:
      return {x, std::ldexp(integer(64), exponent + pick(-3, 3))};
    case 5:
      return {x, (integer(1 << 8) + 0.5f) * std::ldexp(ulp, pick(0, 6))};
    case 6: {
      const float tiny = draw<float>(random, kind::subnormal, 1);
      const float weight = to_weight(sizeof(T) == 2 && p == 10 ? std::ldexp(integer(3000), -24)
                                                               : std::ldexp(integer(9000), -139));
      return {weight, pick(0, 1) == 0 ? tiny : steps_from(-weight, pick(-70000, 70000))};
    }
    case 7: {
      const float largest =
          static_cast<float>(oracle::value_of(oracle::from_bits<T>(oracle::infinity_bits<T> - 1)));
      const float weight = to_weight(sign * steps_from(largest, -(pick(0, 300) << (23 - p))));
      const float of_either_sign = pick(0, 1) == 0 ? largest : -largest;
      return {weight, steps_from(of_either_sign * std::ldexp(1.0f, -pick(0, p + 2)), pick(-3, 0))};
    }
    case 8:
      return {to_weight(integer(16) / 4), integer(64) / 16};
    case 9:
      return {x, std::ldexp(significand, exponent + pick(p - 3, 30))};
    case 10: {
      const float d = draw<float>(random, kind::any_bits, 1);
      const float weight = oracle::widen(draw<T>(random, kind::any_bits, 1));
      return {std::isfinite(weight) ? weight : 1.0f, std::isfinite(d) ? d : 1.0f};
    }
    case 11:
      return {to_weight(std::ldexp(integer(8), exponent)),
              std::ldexp(integer(8), exponent + pick(-30, 30))};
    default:
      return {oracle::widen(draw<T>(random, pick(0, 1) == 0 ? kind::zeros : kind::subnormal, 1)),
              x};
  }
}

/// A panel of weights and the adapter that gives each its own D.
template <class T>
struct correlated_panel {
  matrix<T> weights;
  factors<float> adapter;
};

template <class T>
correlated_panel<T> draw_panel(engine& random, int correlation, std::ptrdiff_t cols) {
  matrix<T> weights(16, cols);
  matrix<float> deltas(16, cols);
  weights.fill([&](std::ptrdiff_t i, std::ptrdiff_t j) {
    const weight_and_delta pair = draw_correlated<T>(random, correlation);
    deltas(i, j) = pair.d;
    return oracle::round<T>(pair.x);
  });
  return {std::move(weights), adapter_of_delta(std::move(deltas))};
}

}  // namespace tests
