// What the records in tests/data/undo-record were made of, and the files in tests/data/golden-scene
// hold: the same numbers on every machine.
#pragma once

#include <limits>
#include <vector>

#include "values.hpp"

namespace tests {

/// About N(0, scale): of integers only, so that every standard library draws the same.
template <class T>
T draw_bell(engine& random, float scale) {
  int sum = 0;
  for (int i = 0; i < 12; ++i) sum += static_cast<int>(random() % 257) - 128;
  return oracle::round<T>(static_cast<float>(sum) * (scale / 256));
}

/// Ordinary weights, a row of zeros and one of every bit pattern; two adapters, the second with an
/// infinity and a NaN.
template <class W>
struct golden_scene {
  engine random{1};
  matrix<W> base{35, 150};
  factors<revlora::bf16> first{matrix<revlora::bf16>(35, 5), matrix<revlora::bf16>(5, 150), 0.25f};
  factors<float> second{matrix<float>(35, 3), matrix<float>(3, 150), -0.0625f};
  std::vector<revlora::low_rank> list{first.view(), second.view()};

  golden_scene() {
    base.fill([&](auto i, auto) {
      if (i == 7) return W{};
      if (i == 20) return draw<W>(random, kind::any_bits, 1);
      return draw_bell<W>(random, 0.02f);
    });
    const auto fill_bell = [&]<class F>(matrix<F>& m) {
      m.fill([&](auto, auto) { return draw_bell<F>(random, 0.1f); });
    };
    fill_bell(first.b);
    fill_bell(first.a);
    fill_bell(second.b);
    fill_bell(second.a);
    second.b(33, 1) = std::numeric_limits<float>::infinity();
    second.a(2, 149) = std::numeric_limits<float>::quiet_NaN();
  }
};

}  // namespace tests
