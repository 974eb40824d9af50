// `adapter_config.json`: what PEFT says about an adapter, and the strength that follows from it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/pattern.hpp"

namespace revlora::tool {

class peft_config {
 public:
  /// Reads the text of a configuration; problems begin with `source`. Fields of newer versions are
  /// ignored, unless they may change the merged weights: see refused().
  peft_config(const std::string& text, const std::string& source);

  /// Why such an adapter cannot be merged; empty if it can.
  const std::string& refused() const { return refused_; }
  /// "PEFT LoRA, rank-stabilised"
  const std::string& description() const { return description_; }
  /// Whether its tensors are such as contents_of() knows, be it that they cannot be merged.
  bool has_known_tensors() const { return has_known_tensors_; }
  /// Field by field, what a person may want to see.
  const std::vector<std::pair<std::string, std::string>>& facts() const { return facts_; }

  /// The rank of a module, by its name in the base model.
  std::int64_t rank_of(const std::string& module) const;
  /// `lora_alpha / r`, or `lora_alpha / sqrt(r)` for rsLoRA, in double like PEFT.
  double scale_of(const std::string& module) const;
  /// Base weights are stored `[in, out]`. PEFT decides by the class of each module, which no file
  /// tells; this is what the last of them, or the user, left.
  bool fan_in_fan_out() const { return fan_in_fan_out_; }
  /// Biases of the base model were trained along.
  bool trains_biases() const { return trains_biases_; }
  /// The parameters that `target_parameters` may have chosen within a module, without it: "weight",
  /// "gate_up_proj". It may name them alone, and then for any module.
  std::vector<std::string> parameters_of(const std::string& module) const;
  /// Whether `target_parameters` names one of the module together with it.
  bool has_parameters_of(const std::string& module) const;
  /// How PEFT took a stack of parameters, if the configuration says so: true: as `[experts, in,
  /// out]`, as all versions before 0.19 did.
  std::optional<bool> stacks_fan_in_fan_out() const { return stacks_fan_in_fan_out_; }
  /// The rows of a module's weight that were trained, in the order in which they are stored;
  /// nothing if there are none. Throws a problem if they are no indices of rows.
  std::optional<std::vector<std::uint64_t>> token_indices_of(const std::string& module) const;

 private:
  peft_config(const nlohmann::ordered_json& fields, const std::string& source);

  std::string source_;
  std::string refused_;
  std::string description_;
  bool has_known_tensors_;
  std::vector<std::pair<std::string, std::string>> facts_;
  double rank_ = 0;
  double alpha_ = 0;
  bool rank_stabilised_ = false;
  bool fan_in_fan_out_ = false;
  bool trains_biases_ = false;
  std::optional<bool> stacks_fan_in_fan_out_;
  module_pattern ranks_;
  module_pattern alphas_;
  std::vector<std::string> target_parameters_;
  /// By the end of a module's name; an empty one is of any.
  std::map<std::string, std::vector<std::uint64_t>> token_indices_;
};

}  // namespace revlora::tool
