// The list of families.
#pragma once

#include "../namespace.hpp"
#include "families/hadamard.hpp"
#include "families/low_rank.hpp"
#include "family.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// By revlora::family.
inline constexpr family_rules families[] = {low_rank_rules, hadamard_rules};

inline const family_rules& rules_of(const plain::adapter& adapter) {
  return families[adapter.family];
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
