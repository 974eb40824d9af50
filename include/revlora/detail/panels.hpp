// How a matrix is cut: panels of 16 rows, blocks of 64 columns, left to right. Work and the undo
// record follow this order, so neither depends on threads or vector width.
#pragma once

#include <cstddef>

#include "namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline constexpr int block_rows = 16;
inline constexpr int block_cols = 64;
inline constexpr int block_size = block_rows * block_cols;

constexpr std::ptrdiff_t blocks_of(std::ptrdiff_t cols) {
  return (cols + block_cols - 1) / block_cols;
}
/// A matrix without elements has no panels.
constexpr std::ptrdiff_t panels_of(std::ptrdiff_t rows, std::ptrdiff_t cols) {
  return cols == 0 ? 0 : (rows + block_rows - 1) / block_rows;
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
