// What the examples have in common: numbers as trained weights have them, and a comparison.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <random>
#include <revlora/element.hpp>
#include <vector>

/// Normally distributed around 0, other ones at each call.
template <class T>
std::vector<T> normal_numbers(std::ptrdiff_t count, float standard_deviation) {
  static std::mt19937 generator;
  std::normal_distribution<float> distribution(0, standard_deviation);
  std::vector<T> numbers(static_cast<std::size_t>(count));
  for (T& number : numbers) number = T(distribution(generator));
  return numbers;
}

/// How many weights do not have the same bits.
inline int count_different(const std::vector<revlora::bf16>& x,
                           const std::vector<revlora::bf16>& y) {
  return std::transform_reduce(x.begin(), x.end(), y.begin(), 0, std::plus{},
                               [](revlora::bf16 a, revlora::bf16 b) { return a == b ? 0 : 1; });
}
