// A number that tells one adapter from another.
#pragma once

#include <cstdint>

#include "../low_rank.hpp"
#include "layout.hpp"
#include "namespace.hpp"
#include "stream_checksum.hpp"

namespace revlora::inline REVLORA_NAMESPACE {
namespace detail {
inline void absorb_matrix(stream_checksum& sum, const factor_view& m) {
  const std::size_t size = size_of(m.type);
  const auto* at = static_cast<const std::byte*>(m.data);
  for (std::ptrdiff_t i = 0; i < m.rows; ++i, at += static_cast<std::size_t>(m.row_stride) * size)
    sum.absorb(at, static_cast<std::size_t>(m.cols) * size);
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

}  // namespace revlora::inline REVLORA_NAMESPACE
