// Whether a record belongs to a call.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../../adapter.hpp"
#include "../namespace.hpp"
#include "../plain.hpp"
#include "../record/contents.hpp"
#include "../refuse.hpp"
#include "fingerprint.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Which of the given adapters is not the one that was merged in its place, and how it differs.
inline validation check_fingerprints(std::span<const std::uint64_t> merged,
                                     const plain::adapter_list& adapters, absorb_steps* steps) {
  if (merged.size() != adapters.count)
    return refused(refusal::other_count,
                   {"the undo record is for ", merged.size(), " adapters, not ", adapters.count});
  std::size_t at = 0;
  while (at < merged.size() && fingerprint_of(adapters.adapters[at], steps) == merged[at]) ++at;
  if (at == merged.size()) return {};
  std::vector<std::uint64_t> given;
  for (std::size_t i = 0; i < adapters.count; ++i)
    given.push_back(fingerprint_of(adapters.adapters[i], steps));
  if (std::is_permutation(merged.begin(), merged.end(), given.begin()))
    return refused(refusal::other_order, {"the adapters were merged in another order"});
  const argument name{"adapter ", static_cast<std::ptrdiff_t>(at)};
  // Equal upper halves: the same factors, and what differs below is the strength.
  const std::uint64_t difference = merged[at] ^ given[at];
  if (difference >> 32 == 0) {
    const float strength = adapters.adapters[at].strength;
    const auto bits =
        std::bit_cast<std::uint32_t>(strength) ^ static_cast<std::uint32_t>(difference);
    return refused(refusal::other_strength, {name, " was merged with strength ",
                                             std::bit_cast<float>(bits), ", not ", strength});
  }
  return refused(
      refusal::other_adapter,
      {name, " is not the one that was merged: its factors, type, family or rank differ"});
}

/// Whether a record was made for weights of this type, shape and scales and for these adapters.
inline validation check_record(const plain::weights& weights, const plain::adapter_list& adapters,
                               const record_contents* record, absorb_steps* steps) {
  const plain::matrix& w = weights.elements;
  if (record == nullptr || record->bytes.empty())
    return refused(refusal::empty_record, {"the undo record is empty: no merge has filled it"});
  if (const auto type = static_cast<element_type>(w.type); record->type != type)
    return refused(refusal::other_type, {"the undo record is for ", name_of(record->type),
                                         " weights, W is ", name_of(type)});
  if (record->rows != w.rows || record->cols != w.cols)
    return refused(refusal::other_shape,
                   {"the undo record is for ", shape{record->rows, record->cols}, " weights, W is ",
                    shape{w.rows, w.cols}});
  if (record->scales_fingerprint != fingerprint_of(weights, steps))
    return refused(refusal::other_scales,
                   {"the scales of W are not those that it was merged with"});
  if (const auto chosen = static_cast<recipe>(adapters.recipe); record->recipe != chosen)
    return refused(refusal::other_recipe, {"the adapters were merged by the recipe ",
                                           name_of(record->recipe), ", not ", name_of(chosen)});
  return check_fingerprints(record->fingerprints, adapters, steps);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
