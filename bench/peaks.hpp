// How fast the machine can calculate if it has nothing to load: the other limit beside the roof.
#pragma once

namespace bench {

/// peak_fma, and those of peak_dot_pairs and peak_amx that this build and machine can run.
void add_peaks(int threads);

}  // namespace bench
