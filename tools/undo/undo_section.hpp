// What the sections of an undo file say of themselves, as JSON:
//
//   {"section": "merge", "model", "adapters": [{"path", "strength"}], "time", "files"}
//   {"section": "shard", "file": {"name", "device", …}, "base_header", "base_bytes",
//    "merged_header", "tensors"}
//   {"section": "text", "file", "base", "merged"}
//   {"section": "restored", "files"}: an unmerge put these files in the place of merged ones
//
// Ranges are [begin, size], from the start of the section's body.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "undo/undo_content.hpp"

namespace revlora::tool {

struct undo_restored {
  std::vector<file_identity> files;
};

using undo_section = std::variant<undo_merge, undo_shard, undo_text, undo_restored>;

/// `body_begin` is where the section's body begins in the file, from which ranges count.
std::string section_header_of(const undo_section& section, std::uint64_t body_begin);

/// Takes a header apart, and makes sure of all that undo_file promises of a section by itself: its
/// checksum finds accidents, not forgery. `adapters` is how many the merge has. Throws a problem
/// that begins with `source`.
undo_section read_section(std::string_view header, file_range body, std::size_t adapters,
                          const std::string& source);

}  // namespace revlora::tool
