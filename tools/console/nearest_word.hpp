// What somebody may have meant who wrote a word that there is not.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace revlora::tool {

/// The known word that is nearest, if one is near: a few letters differ, or one begins with the
/// other.
std::optional<std::string> nearest_word(const std::string& written,
                                        const std::vector<std::string>& known);

/// ": did you mean 'merge'?", or nothing.
std::string did_you_mean(const std::string& written, const std::vector<std::string>& known);

}  // namespace revlora::tool
