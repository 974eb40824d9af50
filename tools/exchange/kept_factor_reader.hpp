// The factors that an undo file knows: out of itself, or out of the adapters where they are now.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <vector>

#include "plan/factor_source.hpp"
#include "undo/undo_content.hpp"

namespace revlora::tool {

class kept_factor_reader {
 public:
  /// Adapters are where they were merged. `opened` is the undo file; it has to outlive this.
  explicit kept_factor_reader(const file& opened) : opened_(opened) {}
  /// Those of one merge are at `moved` now, in its order; empty: where they were.
  kept_factor_reader(const file& opened, const undo_merge& merge,
                     std::vector<std::filesystem::path> moved)
      : opened_(opened), merge_(&merge), moved_(std::move(moved)) {}

  /// Throws a problem if the adapter is not there, or too short. Several threads may ask at a time.
  loaded_factors load(const kept_factors& wanted, const undo_merge& merge);
  /// Where an adapter of a merge is looked for.
  std::filesystem::path path_of(const undo_merge& merge, std::size_t adapter) const;

 private:
  const file& opened_;
  const undo_merge* merge_ = nullptr;
  std::vector<std::filesystem::path> moved_;
  std::mutex mutex_;
  std::map<std::filesystem::path, adapter_files> adapters_;
  std::map<std::filesystem::path, std::size_t> files_;  ///< numbers in theirs
};

}  // namespace revlora::tool
