// The information bound: how few bits an undo record can have.
//
// Whoever knows the merged weight y and the delta D knows the set of weights that lead to y; which
// of them it was takes log2 of their number, on average and at least. They are counted from the
// definition of a merge alone: it never decreases with the weight, so the set is an interval in the
// order of values, and bisection finds its ends.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "oracle.hpp"
#include "revlora/parallel.hpp"

namespace oracle {

/// An integer that increases with the value; −0 comes just below +0. Infinities are at the ends.
template <class T>
std::int64_t order_of(T x) {
  const std::uint32_t bits = oracle::bits_of(x);
  const std::int64_t magnitude = bits & (sign_bit<T> - 1);
  return bits == magnitude ? magnitude : -1 - magnitude;
}
template <class T>
T from_order(std::int64_t order) {
  return from_bits<T>(order >= 0 ? static_cast<std::uint32_t>(order)
                                 : static_cast<std::uint32_t>(-1 - order) | sign_bit<T>);
}

/// How many steps from `start` in one direction still lead there.
template <class T, class LeadsThere>
std::int64_t steps_that_hold(std::int64_t start, std::int64_t direction,
                             const LeadsThere& leads_there) {
  const std::int64_t room = last_bits<T> + (direction > 0 ? -start : start + 1);
  std::int64_t holds = 0, fails = 1;
  while (fails <= room && leads_there(start + direction * fails)) {
    holds = fails;
    fails *= 2;
  }
  fails = std::min(fails, room + 1);
  while (fails - holds > 1) {
    const std::int64_t middle = holds + (fails - holds) / 2;
    (leads_there(start + direction * middle) ? holds : fails) = middle;
  }
  return holds;
}

/// How many weights, x among them, lead to round(x + d); neither x nor the sum is NaN.
template <class T>
std::int64_t preimage_size(T x, float d) {
  const bits_t<T> y = oracle::bits_of(round<T>(widen(x) + d));
  const auto leads_there = [&](std::int64_t order) {
    return oracle::bits_of(round<T>(widen(from_order<T>(order)) + d)) == y;
  };
  const std::int64_t start = order_of(x);
  return 1 + steps_that_hold<T>(start, 1, leads_there) + steps_that_hold<T>(start, -1, leads_there);
}

/// The mean over the rows 0, step, 2·step, … of a base matrix, in bits per weight.
template <class T, revlora::executor Executor>
double information_bound(revlora::matrix_view<const T> base, revlora::adapter_list adapters,
                         std::ptrdiff_t step, const Executor& executor) {
  const deltas d(adapters);
  const std::ptrdiff_t rows = (base.rows + step - 1) / step;
  std::vector<double> bits(static_cast<std::size_t>(rows), 0.0);
  executor.parallel_for(rows, [&](std::ptrdiff_t at) {
    const std::vector<float> row = d.row(at * step, base.cols);
    for (std::ptrdiff_t j = 0; j < base.cols; ++j) {
      const std::int64_t size =
          preimage_size(base.data[at * step * base.row_stride + j],
                        to_be_added<T>(row[static_cast<std::size_t>(j)], adapters.recipe()));
      if (size > 1) bits[static_cast<std::size_t>(at)] += std::log2(static_cast<double>(size));
    }
  });
  return std::accumulate(bits.begin(), bits.end(), 0.0) / static_cast<double>(rows * base.cols);
}

}  // namespace oracle
