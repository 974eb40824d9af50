// The family of (B₁·A₁)∘(B₂·A₂): the term of an adapter is the product of its two sums.
#pragma once

#include "../../kernel_interface.hpp"
#include "../../namespace.hpp"
#include "../../panels.hpp"
#include "../simd.hpp"
#include "term.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Adds the term of an adapter to the deltas of a block.
template <class Arch>
[[gnu::noinline]] void add_hadamard(const kernel_interface::packed_adapter& adapter,
                                    const block_place& at, bool is_first, float* values,
                                    thread_units<Arch>& units) {
  alignas(64) float sums[2][block_size];
  for (int i = 0; i < 2; ++i)
    add_product<Arch>(adapter.products[i], 1.0f, at, true, sums[i], units);
  const term_addition<Arch> add(adapter.strength, is_first);
  for (int j = 0; j < block_size; j += lanes<Arch>) {
    // Compilers would make one operation of a product and the addition of +0 that may follow, and
    // a product that is rounded to −0 would stay so.
    const floats<Arch> term = kept_in_register<Arch>(floats<Arch>::load_aligned(sums[0] + j) *
                                                     floats<Arch>::load_aligned(sums[1] + j));
    add(term, values + j).store_aligned(values + j);
  }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
