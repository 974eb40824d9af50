// The checksum of bytes that come in pieces of any size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "../namespace.hpp"
#include "checksum_rule.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Where the pieces were cut does not matter.
class stream_checksum {
 public:
  /// `steps` are those of an instruction set, or `absorb_chunks`, which needs none.
  explicit stream_checksum(absorb_steps* steps = absorb_chunks) : absorb_(steps) {}

  void absorb(const void* from, std::size_t bytes) {
    const std::byte* at = static_cast<const std::byte*>(from);
    total_ += bytes;
    while (bytes > 0) {
      std::size_t piece;
      if (filled_ == 0 && bytes >= sizeof chunk_) {
        piece = bytes - bytes % sizeof chunk_;
        absorb_whole(at, piece / sizeof chunk_);
      } else {
        piece = std::min(bytes, sizeof chunk_ - filled_);
        std::memcpy(chunk_ + filled_, at, piece);
        filled_ = (filled_ + piece) % sizeof chunk_;
        if (filled_ == 0) absorb_whole(chunk_, 1);
      }
      at += piece;
      bytes -= piece;
    }
  }
  template <class Integer>
  void absorb(Integer value) {
    absorb(&value, sizeof value);
  }

  /// The last chunk counts as filled up with zeros, and the number of bytes counts too.
  std::uint64_t result() const {
    checksum_lanes lanes = lanes_;
    if (filled_ > 0) {
      std::byte padded[sizeof chunk_] = {};
      std::memcpy(padded, chunk_, filled_);
      absorb_(lanes.lane, padded, 1, chunks_);
    }
    return scramble(lanes.result64() ^ total_);
  }

 private:
  void absorb_whole(const std::byte* from, std::size_t count) {
    absorb_(lanes_.lane, from, count, chunks_);
    chunks_ += count;
  }

  absorb_steps* absorb_;
  checksum_lanes lanes_;
  std::byte chunk_[checksum_lanes::chunk_bytes];
  std::size_t filled_ = 0;
  std::size_t chunks_ = 0;
  std::uint64_t total_ = 0;
};

inline std::uint64_t checksum_of(std::span<const std::byte> bytes,
                                 absorb_steps* steps = absorb_chunks) {
  stream_checksum sum(steps);
  sum.absorb(bytes.data(), bytes.size());
  return sum.result();
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
