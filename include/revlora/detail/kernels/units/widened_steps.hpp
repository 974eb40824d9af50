// Factors as the units for fp32 read them: the ranks in ascending order, an element a step.
#pragma once

#include <cstddef>

#include "../../../element.hpp"
#include "../../format.hpp"
#include "../../namespace.hpp"
#include "../../panels.hpp"
#include "../convert.hpp"
#include "unit.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

struct widened_steps {
  static constexpr std::ptrdiff_t chain_steps = 32;
  static constexpr bool broadcasts_up = true;

  template <element T>
  static constexpr bool takes = true;

  /// An even number of ranks: both chains have the same length.
  static constexpr step_group group_of(std::ptrdiff_t) { return {2, 2}; }

  template <element T>
  static void put_up(const T* ranks, int steps, float* to) {
    for (int k = 0; k < steps; ++k) to[k] = widen<T>(bits_of(ranks[k]));
  }

  template <element T>
  static void put_down(const T (*ranks)[block_cols], int steps, bool splits_columns, float* to) {
    for (int k = 0; k < steps; ++k, to += block_cols) {
      float in_order[block_cols];
      for (int j = 0; j < block_cols; ++j) in_order[j] = widen<T>(bits_of(ranks[k][j]));
      put_row(in_order, splits_columns, to);
    }
  }

 private:
  static void put_row(const float* in_order, bool splits_columns, float* to) {
    if (splits_columns)
      for (int j = 0; j < block_cols / 2; ++j) {
        to[j] = in_order[2 * j];
        to[j + block_cols / 2] = in_order[2 * j + 1];
      }
    else
      for (int j = 0; j < block_cols; ++j) to[j] = in_order[j];
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
