// The names of unfinished files. They stand beside the finished ones, because a rename is one step
// only within a file system, and never end in `.safetensors`, so that nothing loads one by mistake.
#pragma once

#include <filesystem>

namespace revlora::tool {

inline constexpr const char* temporary_ending = ".merging";

inline std::filesystem::path temporary_name(std::filesystem::path finished) {
  finished += temporary_ending;
  return finished;
}

}  // namespace revlora::tool
