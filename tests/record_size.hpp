// What a record weighs: N(0, 0.02) weights in bf16 under adapters of a given std(D) / std(W).
#pragma once

#include "executors.hpp"
#include "values.hpp"

namespace tests {

/// Bits per weight of a size × size matrix, everything in the record counted.
inline double bits_per_weight(std::ptrdiff_t size, float ratio) {
  engine random(1);
  auto w = random_matrix<revlora::bf16>(random, size, size, kind::normal, 0.02f, 0);
  const auto adapter =
      random_factors<revlora::bf16>(random, size, size, 16, kind::normal, 1, ratio * 0.02f / 4);
  const matrix<revlora::bf16> base = w;
  revlora::undo_record record;
  revlora::merge(w.view(), adapter.view(), record, on_all_cores());
  revlora::unmerge(w.view(), adapter.view(), record, on_all_cores());
  EXPECT_TRUE(same_bits(base, w));
  return 8.0 * static_cast<double>(record.size_bytes()) / static_cast<double>(size * size);
}

struct size_limit {
  float ratio;
  double bits;
};
inline constexpr size_limit size_limits[] = {{0.01f, 0.036}, {0.1f, 0.21}, {1.0f, 1.1}};

}  // namespace tests
