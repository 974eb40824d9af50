// `revlora demo`: a real adapter into a real model and out again, on a temporary copy.
#pragma once

#include <filesystem>

namespace revlora::tool {

/// Prints a report on stdout. `installed` is where its model and adapter may be; if it is nothing,
/// or they are not there, they are taken from the source tree. Throws a problem if the original
/// does not come back, or the merged weights do not agree with PEFT's.
void run_demo(const std::filesystem::path& installed);

}  // namespace revlora::tool
