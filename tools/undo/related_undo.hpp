// A pipeline and its components are models of their own, with undo files of their own: what one is
// merged with, the other is, too.
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace revlora::tool {

/// Throws a problem if a component of this pipeline, or the pipeline that this is a component of,
/// is merged by an undo file of its own.
void refuse_merged_elsewhere(const checkpoint& model);

}  // namespace revlora::tool
