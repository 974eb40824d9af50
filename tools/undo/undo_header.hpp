// What an undo file says besides its records, as JSON.
#pragma once

#include <string>
#include <string_view>

#include "undo/undo_file.hpp"

namespace revlora::tool {

std::string undo_header_of(const undo_file& undo);

/// An undo file from its header and the records behind it, with all that undo_file::from_bytes
/// promises. Throws a problem that begins with `source`, or record_refused.
undo_file read_undo_content(std::string_view header, std::span<const std::byte> records,
                            const std::string& source);

}  // namespace revlora::tool
