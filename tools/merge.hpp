// `revlora merge`: adapters into a model, with an undo file that leads back.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace revlora::tool {

struct merge_request {
  std::filesystem::path model;
  std::vector<std::filesystem::path> adapters;
  double strength = 1;
  std::optional<std::filesystem::path> out;
  std::optional<std::filesystem::path> undo;
};

struct merge_result {
  std::filesystem::path model;
  std::filesystem::path undo;
  std::size_t tensors = 0;
  std::uint64_t weights = 0;     ///< in these tensors
  std::uint64_t changed = 0;     ///< how many of them are other bits now
  std::int64_t not_finite = 0;   ///< how many became infinite or NaN
  std::uint64_t undo_bytes = 0;  ///< size of the undo file

  double bits_per_weight() const;
};

/// Throws an exception, with the model as it was, if anything is wrong.
merge_result merge_model(const merge_request& request);

/// The command: the same, with a few lines on stdout about it.
void run_merge(const merge_request& request);

}  // namespace revlora::tool
