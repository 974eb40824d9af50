// Names of tensors without what wrapping a model in others, or an expert in a list, adds to them:
// two names that are equal then mean the same weight.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace revlora::tool {

/// "a", "b" and "c" of "a.b.c".
std::vector<std::string_view> name_parts(std::string_view name);
std::string joined(const std::vector<std::string_view>& parts);

struct plain_name {
  std::string name;
  std::optional<std::uint64_t> expert;  ///< taken out of the name

  auto operator<=>(const plain_name&) const = default;
};

/// `name` is a tensor's whole name. Takes away what compilers and parallel trainers put between
/// (`_orig_mod.` …), and the models around the one that has the layers (`model.`,
/// `language_model.` …), whose number and order changes between versions of transformers. Of
/// experts, one by one or in a stack, the spellings become one: `mlp.experts.gate_proj.weight`.
plain_name plain_name_of(std::string_view name);

}  // namespace revlora::tool
