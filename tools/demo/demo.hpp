// `revlora demo`: a real adapter into a real model and out again, on a temporary copy.
#pragma once

namespace revlora::tool {

/// Prints a report on stdout. Throws a problem if the original does not come back, or the merged
/// weights do not agree with PEFT's.
void run_demo();

}  // namespace revlora::tool
