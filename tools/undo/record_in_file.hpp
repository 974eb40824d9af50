// What an undo file keeps besides its headers, read when it is needed.
#pragma once

#include <vector>

#include "files/file.hpp"
#include "revlora/undo_record.hpp"
#include "undo/undo_content.hpp"

namespace revlora::tool {

/// Throws a problem if the record is damaged, or is one of other weights than the window's.
undo_record read_record(const file& opened, const undo_tensor& tensor, const undo_window& window);

std::vector<std::byte> read_range(const file& opened, const file_range& range);

}  // namespace revlora::tool
