// `adapter_config.json`: what PEFT says about an adapter, and the strength that follows from it.
#pragma once

#include <cstdint>
#include <string>

#include "formats/pattern.hpp"

namespace revlora::tool {

/// The part of the configuration that decides the merged weights.
class peft_config {
 public:
  /// Reads the text of a configuration; problems begin with `source`. Whatever would change the
  /// merged weights in a way that revlora does not know is refused by name; fields without
  /// influence are ignored, as are fields of newer versions.
  peft_config(const std::string& text, const std::string& source);

  /// The rank of a module, by its name in the base model.
  std::int64_t rank_of(const std::string& module) const;
  /// `lora_alpha / r`, or `lora_alpha / sqrt(r)` for rsLoRA, in double like PEFT.
  double scale_of(const std::string& module) const;
  /// Base weights are stored `[in, out]`. Decides only where the shapes do not.
  bool fan_in_fan_out() const { return fan_in_fan_out_; }
  bool rank_stabilised() const { return rank_stabilised_; }

 private:
  explicit peft_config(const nlohmann::ordered_json& fields, const std::string& source);

  std::string source_;
  double rank_;
  double alpha_;
  bool rank_stabilised_;
  bool fan_in_fan_out_;
  module_pattern ranks_;
  module_pattern alphas_;
};

}  // namespace revlora::tool
