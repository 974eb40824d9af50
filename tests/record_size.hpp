// What a record weighs, beside what it must weigh: normal weights under adapters of a given
// std(D) / std(W).
#pragma once

#include "executors.hpp"
#include "information_bound.hpp"
#include "values.hpp"

namespace tests {

struct record_size {
  double bits;   ///< per weight, everything in the record counted
  double bound;  ///< the information bound of the rows 0, step, 2·step, …
};

/// Small numbers have weights that are stored divided by a scale.
template <class T>
inline constexpr float deviation = sizeof(T) == 1 ? 100 : 0.02f;

/// Of a size × size matrix under a bf16 adapter of rank 16.
template <class T>
record_size measure_record(std::ptrdiff_t size, double percent, revlora::recipe how,
                           std::ptrdiff_t step) {
  engine random(1);
  const auto base = random_matrix<T>(random, size, size, kind::normal, deviation<T>, 0);
  const auto adapter =
      random_factors<revlora::bf16>(random, size, size, 16, kind::normal, 1,
                                    static_cast<float>(percent / 100 * deviation<T> / 4));
  const revlora::low_rank view = adapter.view();
  const revlora::adapter_list list(view, how);
  matrix<T> w = base;
  revlora::undo_record record;
  revlora::merge(w.view(), list, record, on_all_cores());
  revlora::unmerge(w.view(), list, record, on_all_cores());
  EXPECT_TRUE(same_bits(base, w));
  return {8.0 * static_cast<double>(record.size_bytes()) / static_cast<double>(size * size),
          oracle::information_bound<T>(base.view(), list, step, on_all_cores())};
}

inline constexpr double percents[] = {1, 3, 10, 30, 100, 300};

/// How far above its bound a record may be: the weights' codes, and everything else that is in a
/// 4096 × 4096 record.
template <class T>
double largest_ratio(revlora::recipe how) {
  if (how == revlora::recipe::rounded_delta || sizeof(T) == 1) return 1.06;
  return std::is_same_v<T, float> ? 1.08 : 1.05;
}

}  // namespace tests
