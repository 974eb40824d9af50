// Pipelines as diffusers keeps them: a `model_index.json`, and a folder for each component.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/weight_set.hpp"
#include "files/folder.hpp"

namespace revlora::tool {

struct pipeline_component {
  std::string name;  ///< of its folder
  folder home;
  weight_set weights;
};

struct pipeline {
  /// Those with weights that can be read, ascending by name. None: the folder is no pipeline, or
  /// `weights` is the name of a set of weights in it.
  std::vector<pipeline_component> components;
  std::vector<std::string> notes;  ///< why others are left alone
};

/// Throws a problem if it is not certain which weights of a component are meant.
pipeline find_pipeline(const folder& home, const std::optional<std::string>& weights);

}  // namespace revlora::tool
