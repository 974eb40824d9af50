// What a record says of its panels, read from its bytes.
#pragma once

#include <vector>

#include "revlora/detail/record/read.hpp"
#include "revlora/undo_record.hpp"

namespace tests {

inline std::vector<revlora::detail::panel_entry> panels_of(const revlora::undo_record& record) {
  revlora::detail::record_contents contents;
  revlora::detail::require(revlora::detail::read_record(record.bytes(), contents));
  return contents.panels;
}

}  // namespace tests
