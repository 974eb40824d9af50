// An undo record as bytes. docs/undo-record.md says what they mean, to the last bit:
//
//   offset  bytes
//   0       3      "RVU"
//   3       1      format version, 3
//   4       1      element type of the weights
//   5       1      recipe
//   6       1      accumulation rule, 1: E/O chains in blocks of 32
//   7       …      rows, columns, number of adapters: varints (LEB128)
//           8 n    fingerprint of each adapter
//           8      of weights of 8 bits: fingerprint of their scales, 0 if they have none
//           8      checksum of the base
//           …      for each panel: checksum of the merged panel (4), varint 2·size + has_exceptions
//           …      the panels' codes, one after the other; where there are exceptions, they come
//                  first, behind a varint of their length
//           8      digest: checksum of all bytes above
//
// All integers little-endian.
//
// Here is what they say; write.hpp and read.hpp follow the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "../../adapter.hpp"
#include "../../element.hpp"
#include "../namespace.hpp"
#include "../plain.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline constexpr std::uint8_t format_version = 3, accumulation_rule = 1;
inline constexpr std::size_t digest_bytes = 8;
inline constexpr char record_magic[3] = {'R', 'V', 'U'};

/// Where the code of a panel is, and what the panel is after the merge.
struct panel_entry {
  std::size_t offset = 0;
  std::size_t size = 0;
  std::uint32_t merged_checksum = 0;
  bool has_exceptions = false;
};

/// For bytes that are written as soon as there is room for them: filling a new record with zeros
/// first would touch its pages one by one, before several threads can.
template <class T>
struct leaves_unset : std::allocator<T> {
  leaves_unset() = default;
  template <class U>
  leaves_unset(const leaves_unset<U>&) {}

  template <class U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    std::construct_at(at, std::forward<Arguments>(arguments)...);
  }
};

/// A record, as bytes and as what they say.
struct record_contents {
  element_type type = element_type::fp32;
  revlora::recipe recipe = revlora::recipe::fused;
  std::ptrdiff_t rows = 0, cols = 0;
  std::vector<std::uint64_t> fingerprints;
  std::uint64_t scales_fingerprint = 0;
  std::uint64_t base_checksum = 0;
  std::vector<panel_entry> panels;
  std::vector<std::byte, leaves_unset<std::byte>> bytes;  ///< empty: no record
};

/// Only weights of 8 bits may be stored divided by scales, and so need a place for them.
constexpr bool may_be_scaled(element_type type) {
  return size_of(type) == 1;
}

// What a door holds is a pointer to these, without a type.
inline record_contents* contents_of(plain::record* record) {
  return reinterpret_cast<record_contents*>(record);
}
inline const record_contents* contents_of(const plain::record* record) {
  return reinterpret_cast<const record_contents*>(record);
}
inline plain::record* handle_of(record_contents* contents) {
  return reinterpret_cast<plain::record*>(contents);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
