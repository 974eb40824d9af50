// Columns of text.
#pragma once

#include <string>
#include <vector>

namespace revlora::tool {

/// Rows of cells below each other, each column as wide as its widest cell and two blanks apart,
/// each row behind `indentation` and with a line break. Rows may end early.
std::string lines_of(const std::vector<std::vector<std::string>>& rows,
                     const std::string& indentation);

}  // namespace revlora::tool
