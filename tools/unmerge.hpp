// `revlora unmerge`: a merged model back to its base, bit for bit.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace revlora::tool {

struct unmerge_request {
  std::filesystem::path model;
  std::optional<std::filesystem::path> undo;
  /// Where the adapters are now, in the order of the merge; empty if they are where they were.
  std::vector<std::filesystem::path> adapters;
};

struct unmerge_result {
  std::filesystem::path model;
  std::size_t restored = 0;     ///< tensors
  std::size_t at_the_base = 0;  ///< tensors that were there already
};

/// Throws an exception, with the model as it was, if anything is wrong.
unmerge_result unmerge_model(const unmerge_request& request);

/// The command: the same, with a line on stdout about it.
void run_unmerge(const unmerge_request& request);

}  // namespace revlora::tool
