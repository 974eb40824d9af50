// `revlora unmerge`: a merged model back to its base, bit for bit.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "console/problem.hpp"

namespace revlora::tool {

struct unmerge_request {
  std::filesystem::path model;
  std::optional<std::filesystem::path> undo = {};
  /// Where the adapters are now, in the order of the merge; empty if they are where they were.
  std::vector<std::filesystem::path> adapters = {};
  bool force = false;  ///< replace files that are read-only
};

struct unmerge_result {
  std::filesystem::path model;
  std::filesystem::path undo;
  std::size_t restored = 0;     ///< tensors
  std::size_t at_the_base = 0;  ///< tensors that were there already
  std::string trouble;          ///< what went wrong after all was restored; empty if nothing
};

/// Throws an exception, with the model as it was (or `partly_done`), if anything is wrong.
unmerge_result unmerge_model(const unmerge_request& request);

/// The command: the same, with a line on stdout about it.
exit_status run_unmerge(const unmerge_request& request);

}  // namespace revlora::tool
