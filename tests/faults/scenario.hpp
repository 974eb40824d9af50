// What the writing verbs are disturbed at: small models, and the commands for them.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tree.hpp"

namespace revlora::tool::test {

/// In which state the disturbed command finds the model: base, base with the undo file of an
/// earlier merge, merged, or with one shard of three at the base. A merged one is unmerged, others
/// merged.
enum class start { base, unmerged, merged, partly_merged };

/// Commands are words for the program, with a space between them, in the folder of models().
struct scenario {
  std::string name;
  start from;
  std::string model;
  std::string undo = "";  ///< the undo file, if it is named
  std::string out = "";   ///< the new model, if it is named

  std::string merge() const;
  std::string unmerge() const;
  /// The one that is disturbed.
  std::string command() const;
  bool in_place() const { return out.empty(); }
};

void PrintTo(const scenario& each, std::ostream* stream);

/// one/model.safetensors; three, a folder with three shards; adapter, for both of them; elsewhere,
/// an empty folder.
const tree& models();

/// What the command finds, in `folder`, which is made the current one.
tree prepare(const scenario& each, const fs::path& folder);

const std::vector<scenario>& scenarios();

}  // namespace revlora::tool::test
