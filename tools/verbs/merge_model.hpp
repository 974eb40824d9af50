// `revlora merge`: adapters into a model, with an undo file that leads back.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "console/problem.hpp"

namespace revlora::tool {

struct merge_request {
  std::filesystem::path model;
  std::vector<std::filesystem::path> adapters = {};
  double strength = 1;
  std::optional<std::filesystem::path> out = {};
  std::optional<std::filesystem::path> undo = {};
  bool overwrite_undo = false;  ///< also an undo file that leads something back
  bool force = false;           ///< replace files that are read-only
};

struct merge_result {
  std::filesystem::path model;
  std::filesystem::path undo;
  std::size_t tensors = 0;
  std::uint64_t weights = 0;     ///< in these tensors
  std::uint64_t changed = 0;     ///< how many of them are other bits now
  std::uint64_t not_finite = 0;  ///< how many became infinite or NaN
  std::uint64_t undo_bytes = 0;  ///< size of the undo file
  std::string trouble;           ///< what went wrong after the merge was done; empty if nothing

  double bits_per_weight() const;
};

/// Throws an exception, with the model as it was (or `partly_done`), if anything is wrong.
merge_result merge_model(const merge_request& request);

/// The command: the same, with a few lines on stdout about it.
exit_status run_merge(const merge_request& request);

}  // namespace revlora::tool
