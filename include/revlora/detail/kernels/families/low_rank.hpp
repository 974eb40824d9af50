// The family of B·A: the term of an adapter is the sums of its product.
#pragma once

#include "../../kernel_interface.hpp"
#include "../../namespace.hpp"
#include "term.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Adds the term of an adapter to the deltas of a block.
template <class Arch>
void add_low_rank(const kernel_interface::packed_adapter& adapter, const block_place& at,
                  bool is_first, float* values, thread_units<Arch>& units) {
  add_product<Arch>(adapter.products[0], adapter.strength, at, is_first, values, units);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
