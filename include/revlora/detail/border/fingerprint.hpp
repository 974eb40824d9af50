// A number that tells one adapter from another, and one that tells scales.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "../../adapter.hpp"
#include "../format.hpp"
#include "../namespace.hpp"
#include "../plain.hpp"
#include "../record/stream_checksum.hpp"
#include "../strided.hpp"
#include "../views.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// The elements in row-major order, wherever they lie.
inline void absorb_matrix(stream_checksum& sum, const plain::matrix& m) {
  if (m.rows == 0 || m.cols == 0) return;  // and the data may be null
  with_element(static_cast<element_type>(m.type), [&]<class T>(const T*) {
    for (std::ptrdiff_t i = 0; i < m.rows; ++i) {
      const T* const row = static_cast<const T*>(m.data) + i * m.row_stride;
      if (m.col_stride == 1) {
        sum.absorb(row, static_cast<std::size_t>(m.cols) * sizeof(T));
        continue;
      }
      for (std::ptrdiff_t j = 0; j < m.cols; j += 64) {
        T piece[64];
        const std::ptrdiff_t count = std::min<std::ptrdiff_t>(64, m.cols - j);
        gather(row + j * m.col_stride, m.col_stride, count, piece);
        sum.absorb(piece, static_cast<std::size_t>(count) * sizeof(T));
      }
    }
  });
}

/// Of the family, if it is not low_rank, the element type, for each pair of factors d_out, the rank
/// and d_in, every bit of the factors, and the strength, whose bits are xored into the low half.
inline std::uint64_t fingerprint_of(const plain::adapter& adapter, absorb_steps* steps) {
  stream_checksum sum(steps);
  if (adapter.family != static_cast<std::uint8_t>(family::low_rank))
    sum.absorb(std::uint32_t{0x100} + adapter.family);  // no element type is so large
  sum.absorb(std::uint32_t{adapter.factors[0].type});
  for (std::size_t i = 0; i < adapter.factor_count; i += 2) {
    const plain::matrix &b = adapter.factors[i], &a = adapter.factors[i + 1];
    sum.absorb(static_cast<std::int64_t>(b.rows));
    sum.absorb(static_cast<std::int64_t>(a.rows));
    sum.absorb(static_cast<std::int64_t>(a.cols));
    absorb_matrix(sum, b);
    absorb_matrix(sum, a);
  }
  return sum.result() ^ std::bit_cast<std::uint32_t>(adapter.strength);
}

/// Of their type, their grid, and every bit of them; 0 if there are none.
inline std::uint64_t fingerprint_of(const plain::weights& w, absorb_steps* steps) {
  if (!is_scaled(w)) return 0;
  stream_checksum sum(steps);
  sum.absorb(std::uint32_t{w.scales.type});
  sum.absorb(static_cast<std::int64_t>(w.scale_rows));
  sum.absorb(static_cast<std::int64_t>(w.scale_cols));
  absorb_matrix(sum, w.scales);
  return std::max<std::uint64_t>(sum.result(), 1);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
