// What a stopped system call is about, read from the process that makes it.
#pragma once

#include <filesystem>
#include <optional>

#include "file_calls.hpp"
#include "tracer.hpp"

namespace revlora::tool::test {

/// The call that `thread` is stopped before, if it is one of file_calls.hpp.
struct stopped_call {
  const file_call_kind* kind;
  unsigned long long arguments[6];
};
std::optional<stopped_call> stopped_call_of(int thread);

/// The call in words, if it concerns `folder` or what is in it.
std::optional<file_call> describe(int thread, const stopped_call& call,
                                  const std::filesystem::path& folder);

}  // namespace revlora::tool::test
