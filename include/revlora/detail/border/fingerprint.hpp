// A number that tells one adapter from another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../../low_rank.hpp"
#include "../format.hpp"
#include "../namespace.hpp"
#include "../record/stream_checksum.hpp"
#include "../strided.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {
/// The elements in row-major order, wherever they lie.
inline void absorb_matrix(stream_checksum& sum, const factor_view& m) {
  if (m.rows == 0 || m.cols == 0) return;  // and the data may be null
  with_element(m.type, [&]<class T>(const T*) {
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
}  // namespace detail

/// The fingerprint of an adapter as undo records keep it: of its element type, shape, strength and
/// every bit of its factors in row-major order, however they are laid out in memory. Not a
/// cryptographic hash. O(r·(d_out + d_in)).
///
/// The strength's bits are xored into the low half, so that two fingerprints of the same factors
/// tell each other's strength.
inline std::uint64_t fingerprint(const low_rank& adapter) {
  detail::stream_checksum sum;
  sum.absorb(static_cast<std::uint32_t>(adapter.type()));
  sum.absorb(static_cast<std::int64_t>(adapter.b().rows));
  sum.absorb(static_cast<std::int64_t>(adapter.rank()));
  sum.absorb(static_cast<std::int64_t>(adapter.a().cols));
  detail::absorb_matrix(sum, adapter.b());
  detail::absorb_matrix(sum, adapter.a());
  return sum.result() ^ detail::bits_of(adapter.strength());
}

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
