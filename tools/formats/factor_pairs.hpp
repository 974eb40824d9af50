// Factors called `….lora_a` and `….lora_b`, by mlx-lm and llama.cpp, and what both make of experts.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/adapter_tensors.hpp"

namespace revlora::tool {

struct factor_pair {
  const tensor* a = nullptr;
  const tensor* b = nullptr;
};

/// By what comes before these ends. Throws a problem if a partner is missing, or if their numbers
/// are of no type that factors can have.
std::map<std::string, factor_pair> factor_pairs(std::span<const tensor> tensors,
                                                const std::string& source, unused_tensors& unused);

/// Throws the problem that the shapes of a pair do not fit.
[[noreturn]] void refuse_shapes(const factor_pair& pair, const std::string& module,
                                const std::string& source);

/// An update of each of a stack of experts: B is `(experts · out) × r`, A is `(experts · r) × in`,
/// or `r × in` if all experts share it. Nothing if there are no experts, or more than any model
/// has.
std::vector<low_rank_update> updates_of_experts(const low_rank_update& stack,
                                                std::uint64_t experts);

}  // namespace revlora::tool
