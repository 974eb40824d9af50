// Two elements of bf16 in one step.
#pragma once

#include <cstdint>
#include <cstring>

#include "../../../element.hpp"
#include "../../namespace.hpp"
#include "../../panels.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

constexpr std::uint32_t bf16_step(bf16 low, bf16 high) {
  return low.bits | static_cast<std::uint32_t>(high.bits) << 16;
}

/// `to ← low | high << 16` for a row of 64 columns, in the order of D's columns.
inline void put_bf16_steps(const bf16* low, const bf16* high, bool splits_columns,
                           std::uint32_t* to) {
  if (splits_columns) {
    std::uint32_t lows[block_cols / 2], highs[block_cols / 2];
    std::memcpy(lows, low, sizeof lows);
    std::memcpy(highs, high, sizeof highs);
    for (int j = 0; j < block_cols / 2; ++j) {
      to[j] = (lows[j] & 0xffff) | highs[j] << 16;
      to[j + block_cols / 2] = lows[j] >> 16 | (highs[j] & 0xffff0000u);
    }
  } else {
    for (int j = 0; j < block_cols; ++j) to[j] = bf16_step(low[j], high[j]);
  }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
