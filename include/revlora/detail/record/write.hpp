// The bytes of a record, made of what they say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "../namespace.hpp"
#include "bits.hpp"
#include "contents.hpp"
#include "stream_checksum.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Appends to memory that is large enough.
class byte_writer {
 public:
  explicit byte_writer(std::byte* to) : to_(to) {}
  template <class Integer>
  void put(Integer value) {
    put(&value, sizeof value);
  }
  void put(const void* from, std::size_t count) {
    if (count > 0) std::memcpy(to_, from, count);
    to_ += count;
  }
  void put_varint(std::uint64_t value) { to_ = detail::put_varint(to_, value); }
  std::byte* at() const { return to_; }

 private:
  std::byte* to_;
};

/// Makes the bytes of a record whose panels lie in the arena, and lets the entries point into them.
/// The memory is that of the bytes of the record that it replaces, which are forgotten. Throws
/// std::bad_alloc, both records as they were.
inline void write_record(record_contents& record, record_contents& replaced, absorb_steps* steps) {
  const std::size_t header = sizeof record_magic + 4 + 3 * varint_max +
                             8 * record.fingerprints.size() + 16 +
                             record.panels.size() * (4 + varint_max);
  const std::size_t most = header + record.arena.size() + digest_bytes;
  replaced.bytes.reserve(most);  // leaves them as they are, even if it throws
  record.bytes = std::move(replaced.bytes);
  record.bytes.resize(most);
  byte_writer out(record.bytes.data());
  out.put(record_magic, sizeof record_magic);
  out.put(format_version);
  out.put(record.type);
  out.put(record.recipe);
  out.put(accumulation_rule);
  out.put_varint(static_cast<std::uint64_t>(record.rows));
  out.put_varint(static_cast<std::uint64_t>(record.cols));
  out.put_varint(record.fingerprints.size());
  for (const std::uint64_t fingerprint : record.fingerprints) out.put(fingerprint);
  if (may_be_scaled(record.type)) out.put(record.scales_fingerprint);
  out.put(record.base_checksum);
  for (const panel_entry& panel : record.panels) {
    out.put(panel.merged_checksum);
    out.put_varint(panel.size << 1 | panel.has_exceptions);
  }
  for (panel_entry& panel : record.panels) {
    const std::byte* const codes = record.arena.data() + panel.offset;
    panel.offset = static_cast<std::size_t>(out.at() - record.bytes.data());
    out.put(codes, panel.size);
  }
  const auto size = static_cast<std::size_t>(out.at() - record.bytes.data());
  out.put(checksum_of({record.bytes.data(), size}, steps));
  record.bytes.resize(size + digest_bytes);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
