// The checks of one matrix, and of two beside each other: O(1), always on, before anything is
// written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "../namespace.hpp"
#include "../plain.hpp"
#include "../refuse.hpp"
#include "../views.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline validation check_matrix(const argument& name, const plain::matrix& m) {
  if (m.type >= element_types)
    return refused({name, " has an element type that does not exist, ", m.type});
  if (m.rows < 0 || m.cols < 0)
    return refused({name, " has a negative shape, ", shape{m.rows, m.cols}});
  // Only strides count that are stepped by.
  const std::ptrdiff_t to_next_column = m.cols > 1 ? m.col_stride : 1;
  if (to_next_column == 1 && m.rows > 1 && m.row_stride < m.cols)
    return refused(
        {name, " has a row stride of ", m.row_stride, ", shorter than its ", m.cols, " columns"});
  if (m.rows == 0 || m.cols == 0) return {};
  if (m.data == nullptr)
    return refused({name, " is ", shape{m.rows, m.cols}, " but its data is null"});
  const auto refused_strides = [&](const char* why) {
    return refused({name, ", ", shape{m.rows, m.cols}, " with a row stride of ", m.row_stride,
                    " and a column stride of ", m.col_stride, ", ", why});
  };
  const std::ptrdiff_t to_next_row = m.rows > 1 ? m.row_stride : 1;
  if (to_next_column < 1 || to_next_row < 1)
    return refused_strides("goes backwards or stands still in memory");
  std::ptrdiff_t row, column, bytes;
  const auto size = static_cast<std::ptrdiff_t>(size_of(static_cast<element_type>(m.type)));
  if (__builtin_mul_overflow(m.cols, to_next_column, &row) ||
      __builtin_mul_overflow(m.rows, to_next_row, &column) ||
      __builtin_add_overflow(row, column, &bytes) || __builtin_mul_overflow(bytes, size, &bytes))
    return refused_strides("is larger than memory can be");
  // A step to the next row leaps over a whole row, or one to the next column over a whole column.
  const bool rows_apart = m.rows == 1 || to_next_row > row - to_next_column;
  const bool columns_apart = m.cols == 1 || to_next_column > column - to_next_row;
  if (!rows_apart && !columns_apart) return refused_strides("overlaps itself in memory");
  return {};
}

/// Whether the memory from the first to the last element of one lies across that of the other.
inline bool overlap(const plain::matrix& m, const plain::matrix& n) {
  const auto end_of = [](const plain::matrix& v) {
    return element_at(v, (v.rows - 1) * v.row_stride + (v.cols - 1) * v.col_stride + 1);
  };
  if (m.rows == 0 || m.cols == 0 || n.rows == 0 || n.cols == 0) return false;
  const std::less<const void*> before;
  return before(m.data, end_of(n)) && before(n.data, end_of(m));
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
