// How fast the machine can calculate if it has nothing to load: the other limit beside the roof.
#pragma once

#include <vector>

#include "verb.hpp"

namespace bench {

/// peak_fma, and those of peak_dot_pairs and peak_amx that this build and machine can run.
std::vector<verb> peaks();

}  // namespace bench
