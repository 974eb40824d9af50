// How adapters are named on the command line: PATH, or PATH=STRENGTH.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verbs/requests.hpp"

namespace revlora::tool {

/// A finite number, written in decimal and nothing else around it.
std::optional<double> finite_number(const std::string& written);

/// A path that is there as it is written is a path; any other is split at its last '='. What has no
/// strength of its own gets that of `--strength`, `for_all`, or 1. Throws a problem if a strength
/// is not a finite number, is said twice, or stands where an adapter should.
std::vector<adapter_request> read_adapter_arguments(const std::vector<std::string>& written,
                                                    const std::optional<std::string>& for_all = {});

}  // namespace revlora::tool
