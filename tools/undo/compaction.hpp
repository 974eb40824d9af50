// An undo file after a swap has what led back from before the swap, too.
#pragma once

#include <cstdint>

#include "files/folder.hpp"
#include "undo/undo_content.hpp"

namespace revlora::tool {

/// Leaves only these sections of a finished one, of which the first begins a merge. The file is
/// another one afterwards. Returns its size.
std::uint64_t compact(const place& where, const file_range& sections, bool sync);

}  // namespace revlora::tool
