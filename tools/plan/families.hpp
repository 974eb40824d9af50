// Families of models that several tools name in ways which differ by a rule. Whoever adds one adds
// its file, and a line in families.cpp.
#pragma once

#include <string>
#include <vector>

#include "plan/fused_rows.hpp"
#include "plan/name_patterns.hpp"

namespace revlora::tool {

/// What other tools call a tensor of a model, whose own name is without the component of a pipeline
/// in front.
std::vector<other_name> names_in_other_tools(const std::string& name);

// The families. Names are without the models around: "double_blocks.0.img_attn.qkv.weight".
const std::vector<name_patterns>& flux_names();
const std::vector<name_patterns>& video_names();
std::vector<other_name> unet_names(const std::string& name);
/// These are inside of others, and named by that.
std::vector<other_name> text_encoder_names(const std::string& name);

}  // namespace revlora::tool
