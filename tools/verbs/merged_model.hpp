// What verbs have in common that begin with a model that is merged.
#pragma once

#include <filesystem>
#include <vector>

#include "exchange/model_exchange.hpp"
#include "undo/found_undo.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool {

/// Throws a problem if somebody changed what the undo file leads back.
void refuse_changed(const found_undo& found);

/// Whether the tensors of a file have other places than in the base, or an index says more.
bool is_laid_out_anew(const model_state& state);

/// Where the adapters of a merge are now, or nothing if they are where they were. Throws a problem
/// if there are more or fewer.
std::vector<std::filesystem::path> moved_adapters(const undo_merge& merge,
                                                  const std::vector<std::filesystem::path>& asked);

/// A file as it is before it is replaced.
struct replaced_file {
  std::string name;
  file_status status;
};
std::vector<replaced_file> identities_of(const checkpoint& model, const exchange_jobs& jobs);

/// Lets the undo file know which files took the places of those that it is of.
void remember_restored(const found_undo& found, const std::vector<replaced_file>& merged,
                       const std::vector<file_identity>& restored, const common_options& common);

}  // namespace revlora::tool
