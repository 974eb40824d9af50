// The list of families.
#pragma once

#include "../../kernel_interface.hpp"
#include "../../namespace.hpp"
#include "hadamard.hpp"
#include "low_rank.hpp"
#include "term.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Adds the term of an adapter to the deltas of a block.
template <class Arch>
void add_term(const kernel_interface::packed_adapter& adapter, const block_place& at, bool is_first,
              float* values, thread_units<Arch>& units) {
  switch (adapter.kind) {
    case kernel_interface::family::low_rank:
      return add_low_rank<Arch>(adapter, at, is_first, values, units);
    case kernel_interface::family::hadamard:
      return add_hadamard<Arch>(adapter, at, is_first, values, units);
  }
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
