// Which files of a folder are the weights of the model, where there may be several sets of them:
// variants of another precision, what another program wants, what was left of an earlier download.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/shard_index.hpp"
#include "files/folder.hpp"

namespace revlora::tool {

/// An index file, as it was read.
struct read_index {
  file content;
  std::string text;
  shard_index says;
};

/// Files that together are the weights of a model, or say that they are.
struct weight_set {
  std::string name;  ///< of the index, or of the first file
  /// Plain names, ascending. Some of an index may not be there; files that are numbered like its
  /// own are among them.
  std::vector<std::string> shards;
  std::optional<read_index> index;  ///< most have none
  std::string trouble;              ///< why it cannot be used; empty if it can
};

/// All sets of a folder, those that a loader would look for first in front.
std::vector<weight_set> weight_sets_in(const folder& in);

/// The one that is meant: the one that is named `wanted`, or the only one that a loader would look
/// for. Throws a problem that lists them if there are several, or says what there is instead if
/// there are none.
weight_set choose_weights(const folder& in, const std::optional<std::string>& wanted);

/// The same in a component of a pipeline. `wanted` may be a name in another component: then it is
/// the one of the same variant here.
weight_set choose_component_weights(const folder& in, const std::optional<std::string>& wanted);

/// Names of files in a folder that have weights as Python pickles.
std::vector<std::string> pickles_in(const folder& in);

}  // namespace revlora::tool
