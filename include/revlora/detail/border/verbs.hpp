// From a checked call of the public interface to the pass that does it.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "../../low_rank.hpp"
#include "../../matrix_view.hpp"
#include "../../parallel.hpp"
#include "../../state.hpp"
#include "../../undo_record.hpp"
#include "../namespace.hpp"
#include "../refuse.hpp"
#include "../schedule/exchange.hpp"
#include "../schedule/packed_adapters.hpp"
#include "../schedule/pass.hpp"
#include "check.hpp"
#include "fingerprint.hpp"
#include "target.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// merge and unmerge without a record.
template <class Target, element T, executor Executor>
std::int64_t combine_adapters(matrix_view<const T> from, matrix_view<T> to, adapter_list adapters,
                              const Executor& executor, bool subtracts) {
  if (!adapters.empty()) {
    const kernel_table& kernels = kernels_of<Target>();
    const packed_adapters packed(kernels, element_type_of<T>, adapters, executor);
    require(packed.found());
    return combine_pass(kernels, from, to, packed, subtracts, executor);
  }
  if (from.data != to.data) copy_pass(from, to, executor);
  return 0;
}

/// Where a verb writes to that works in place: an empty list changes nothing, and nothing is
/// written, so that mapped pages stay clean.
template <element T>
matrix_view<T> in_place(matrix_view<T> w, bool changes) {
  return changes ? w : nowhere<T>;
}

/// The header of a record of weights `w` merged with `adapters`, and no bytes yet. Codes are
/// gathered in the memory where those of the record were that it is to replace.
inline record_contents begin_record(const factor_view& w, adapter_list adapters,
                                    record_contents& replaced) {
  record_contents record;
  record.type = w.type;
  record.recipe = adapters.recipe();
  record.rows = w.rows;
  record.cols = w.cols;
  for (const low_rank& adapter : adapters) record.fingerprints.push_back(fingerprint(adapter));
  record.arena = std::move(replaced.arena);
  record.arena.clear();
  return record;
}

/// Runs an exchange and says what ended it, if it is not done: then the weights are as they were.
/// Throws std::bad_alloc.
template <class Target, element T, executor Executor>
validation run(exchange& work, matrix_view<const T> from, const undo_record& record,
               const Executor& executor) {
  const outcome result = work.run(executor);
  require_memory(result != outcome::out_of_memory);
  if (result == outcome::executor_failed) return work.execution();
  if (result == outcome::weights_changed) {
    weights_state state;
    if (validation found = find_state<Target>(from, record, executor, state); !found) return found;
    if (state == weights_state::base)
      return refused_record(refusal::already_unmerged,
                            "W has been unmerged already, it is at the base");
    return refused_record(refusal::weights_changed,
                          "W is not what this undo record starts from: it was changed since");
  }
  if (result == outcome::record_damaged)
    return refused_record(
        refusal::damaged,
        "the undo record is damaged: it does not lead back to the base of the merge");
  return {};
}

/// merge with a record.
template <class Target, element T, executor Executor>
std::int64_t merge_recorded(matrix_view<const T> from, matrix_view<T> to, adapter_list adapters,
                            undo_record& record, const Executor& executor) {
  record_contents& contents = record_access::contents(record);
  const kernel_table& kernels = kernels_of<Target>();
  const packed_adapters packed(kernels, element_type_of<T>, adapters, executor);
  require(packed.found());
  record_contents next = begin_record(from, adapters, contents);
  exchange work(kernels, from, to, std::nullopt, exchange::goal{packed, next, contents});
  require(run<Target>(work, from, record, executor));
  contents = std::move(next);
  return work.became_not_finite();
}

/// unmerge with a record, and verify: what is wrong, `from` being as it was.
template <class Target, element T, executor Executor>
validation unmerge_recorded(matrix_view<const T> from, matrix_view<T> to, adapter_list adapters,
                            const undo_record& record, const Executor& executor) {
  if (validation found = check_record(from, adapters, record); !found) return found;
  const kernel_table& kernels = kernels_of<Target>();
  const packed_adapters packed(kernels, element_type_of<T>, adapters, executor);
  if (!packed.found()) return packed.found();
  exchange work(kernels, from, to, exchange::origin{packed, record_access::contents(record)},
                std::nullopt);
  return run<Target>(work, from, record, executor);
}

/// swap.
template <class Target, element T, executor Executor>
std::int64_t swap_recorded(matrix_view<T> w, adapter_list merged, adapter_list wanted,
                           undo_record& record, const Executor& executor) {
  require(check_record(w, merged, record));
  record_contents& contents = record_access::contents(record);
  const kernel_table& kernels = kernels_of<Target>();
  const packed_adapters packed_merged(kernels, element_type_of<T>, merged, executor);
  require(packed_merged.found());
  const packed_adapters packed_wanted(kernels, element_type_of<T>, wanted, executor);
  require(packed_wanted.found());
  record_contents next = begin_record(w, wanted, contents);
  exchange work(kernels, matrix_view<const T>(w), in_place(w, !merged.empty() || !wanted.empty()),
                exchange::origin{packed_merged, contents},
                exchange::goal{packed_wanted, next, contents});
  require(run<Target, T>(work, w, record, executor));
  contents = std::move(next);
  return work.became_not_finite();
}

/// A matrix that is only read may be given as const or not, and as another type of the same bits.
template <class Source, class T>
concept source_of =
    element<std::remove_const_t<Source>> && element_type_of<std::remove_const_t<Source>>
== element_type_of<T>;

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
