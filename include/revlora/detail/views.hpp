// Transposes and slices of plain matrices: views, which copy nothing.
#pragma once

#include <cstddef>
#include <string>

#include "../element.hpp"
#include "namespace.hpp"
#include "plain.hpp"
#include "refuse.hpp"
#include "strided.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Element `offset` behind the first, of an empty matrix too, whose data may be null.
inline void* element_at(const plain::matrix& m, std::ptrdiff_t offset) {
  if (m.data == nullptr) return nullptr;
  const auto size = static_cast<std::ptrdiff_t>(size_of(static_cast<element_type>(m.type)));
  return static_cast<std::byte*>(m.data) + offset * size;
}

constexpr plain::matrix transposed(const plain::matrix& m) {
  return {m.data, m.type, m.cols, m.rows, m.col_stride, m.row_stride};
}
inline plain::matrix row_slice(const plain::matrix& m, std::ptrdiff_t first, std::ptrdiff_t count) {
  return {element_at(m, first * m.row_stride), m.type, count, m.cols, m.row_stride, m.col_stride};
}

inline plain::matrix column_slice(const plain::matrix& m, std::ptrdiff_t first,
                                  std::ptrdiff_t count) {
  return transposed(row_slice(transposed(m), first, count));
}

constexpr bool is_scaled(const plain::weights& w) {
  return w.scales.rows > 0;
}
constexpr plain::weights transposed(const plain::weights& w) {
  return {transposed(w.elements), transposed(w.scales), w.scale_cols, w.scale_rows};
}
/// How many pieces of `size` cover an extent.
constexpr std::ptrdiff_t pieces_of(std::ptrdiff_t extent, std::ptrdiff_t size) {
  return (extent + size - 1) / size;
}
inline plain::weights row_slice(const plain::weights& w, std::ptrdiff_t first,
                                std::ptrdiff_t count) {
  plain::weights slice = w;
  slice.elements = row_slice(w.elements, first, count);
  if (is_scaled(w))
    slice.scales = row_slice(w.scales, first / w.scale_rows, pieces_of(count, w.scale_rows));
  return slice;
}

inline validation check_slice(const char* called, std::ptrdiff_t first, std::ptrdiff_t count,
                              const plain::weights& w) {
  if (validation found = check_slice(called, first, count, w.elements.rows); !found) return found;
  const bool shares = is_scaled(w) && w.scale_rows < w.elements.rows;
  if (shares &&
      (first % w.scale_rows != 0 || (count % w.scale_rows != 0 && first + count < w.elements.rows)))
    return refused({"a slice of ", count, " ", called, " from ", first,
                    " on cuts through a scale, which ", w.scale_rows, " ", called, " share"});
  return {};
}

/// Three shapes of scales tell whose they are.
inline plain::weights scaled(const plain::weights& w, const plain::matrix& scales) {
  constexpr std::ptrdiff_t side = 128;
  plain::weights result = w;
  const std::ptrdiff_t rows = w.elements.rows, cols = w.elements.cols;
  const auto is = [&](std::ptrdiff_t scale_rows, std::ptrdiff_t scale_cols) {
    return scales.rows == scale_rows && scales.cols == scale_cols;
  };
  result.scales = scales;
  if (is(1, 1)) {
    result.scale_rows = rows;
    result.scale_cols = cols;
  } else if (is(rows, 1)) {
    result.scale_rows = 1;
    result.scale_cols = cols;
  } else if (is(pieces_of(rows, side), pieces_of(cols, side))) {
    result.scale_rows = result.scale_cols = side;
  } else {
    result.scales = {};
  }
  return result;
}
inline validation check_scale_shape(const plain::weights& w, const plain::matrix& scales) {
  if (is_scaled(scaled(w, scales))) return {};
  return refused({"scales that are ", shape{scales.rows, scales.cols},
                  " do not fit weights that are ", shape{w.elements.rows, w.elements.cols},
                  ": they are 1×1, one for each row, or one for each block of 128×128"});
}

inline validation check_unscaled(const char* name, const plain::weights& w) {
  if (!is_scaled(w)) return {};
  return refused({name, " has scales, which only weights can have"});
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
