// What a record says of its panels, read from its bytes, and how to make these fit again.
#pragma once

#include <cstring>
#include <vector>

#include "revlora/detail/record/read.hpp"
#include "revlora/undo_record.hpp"

namespace tests {

inline std::vector<revlora::detail::panel_entry> panels_of(const revlora::undo_record& record) {
  revlora::detail::record_contents contents;
  revlora::detail::require(revlora::detail::read_record(record.bytes(), contents));
  return contents.panels;
}

/// Makes the digest fit again.
inline void seal(std::vector<std::byte>& bytes) {
  const std::uint64_t digest = revlora::detail::checksum_of({bytes.data(), bytes.size() - 8});
  std::memcpy(bytes.data() + bytes.size() - 8, &digest, 8);
}

}  // namespace tests
