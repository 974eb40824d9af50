// Merging adapters into weights, taking them out again, and exchanging some for others.
//
// The calls below share these conventions.
//
// W is `d_out × d_in`; of each adapter B is `d_out × r` and A `r × d_in` (low_rank.hpp).
//
// W is changed in place, in one pass, by 16×64 blocks; no delta of W's size exists at any time. Or
// it is read from one matrix and written to another that does not overlap it, with the same bits:
// `merge(from, to, …)`, `unmerge(from, to, …)`.
//
// The factors are packed once per call: at most 4·r·(d_out + d_in) bytes per adapter, with r
// rounded up to 2, d_out to 16 and d_in to 64, freed before the call returns. Cost: 2·r·d_out·d_in
// floating-point operations per adapter, one read and one write of W.
//
// Adapters are added in list order, by the recipe of the list. The result is the same, bit for bit,
// on every instruction set, with any executor and number of threads, for any stride and alignment,
// and in whatever floating-point mode the caller runs; that mode is left as it was found.
//
// `Target` is what to compute with: an xsimd architecture that the including file is compiled for,
// by default the best, or what revlora::dispatch offers (dispatch.hpp). A file that is compiled for
// AVX-512 uses AMX too, where the machine has it, and VDPBF16PS where that is fast.
//
// Bad input throws invalid_input, a record that does not fit record_refused, both derived from
// std::invalid_argument; lack of memory throws std::bad_alloc; an executor that leaves work undone
// or does it twice, executor_failed; and what an executor throws itself leaves the call as it is.
// After an exception weights that were to be changed in place are as they were, and so is a record
// that was to be filled; what a separate destination holds is unspecified. What a call would throw
// can be asked before: `validate(…)`.
//
// Without a record nothing leads back from weights that are half merged. So once the factors are
// packed, `merge(W, adapters)` and `unmerge(W, adapters)` go on to the end, whatever the executor
// does: what it leaves undone, also by throwing, the calling thread does, and the call returns.
//
// Different matrices may be worked on from different threads at a time.
#pragma once

#include <cstdint>
#include <type_traits>

#include "detail/border/check.hpp"
#include "detail/border/fingerprint.hpp"
#include "detail/border/target.hpp"
#include "detail/border/verbs.hpp"
#include "detail/namespace.hpp"
#include "detail/stored.hpp"
#include "error.hpp"
#include "low_rank.hpp"
#include "matrix_view.hpp"
#include "parallel.hpp"
#include "state.hpp"
#include "undo_record.hpp"

/// All that is revlora's. What is in `detail` may change with every version.
namespace revlora {
inline namespace REVLORA_NAMESPACE {

// ---- what a call would refuse
// --------------------------------------------------------------------

/// What `merge(W, adapters)` and `unmerge(W, adapters)` would refuse, with a record to be filled or
/// without one. O(1) per adapter.
template <class T>
validation validate(matrix_view<T> w, adapter_list adapters) {
  return detail::check(w, adapters);
}

/// What `merge(from, to, adapters)` and `unmerge(from, to, adapters)` would refuse. O(1) per
/// adapter.
template <class Source, element T>
requires detail::source_of<Source, T> validation validate(matrix_view<Source> from,
                                                          matrix_view<T> to,
                                                          adapter_list adapters) {
  return detail::check(from, to, adapters);
}

/// What `unmerge(W, adapters, record)` would refuse. Does all of its work, the comparison with the
/// base's checksum included, and writes nothing.
template <class Target = default_target, class Source, executor Executor = default_executor>
validation validate(matrix_view<Source> w, adapter_list adapters, const undo_record& record,
                    const Executor& executor = {}) {
  if (validation found = detail::check(w, adapters); !found) return found;
  using T = detail::stored_type<std::remove_const_t<Source>>;
  return detail::unmerge_recorded<Target>(detail::as_source(w), detail::nowhere<T>, adapters,
                                          record, executor);
}

/// What `unmerge(from, to, adapters, record)` would refuse. Does its work and writes nothing.
template <class Target = default_target, class Source, element T,
          executor Executor = default_executor>
requires detail::source_of<Source, T> validation validate(matrix_view<Source> from,
                                                          matrix_view<T> to, adapter_list adapters,
                                                          const undo_record& record,
                                                          const Executor& executor = {}) {
  if (validation found = detail::check(from, to, adapters); !found) return found;
  return validate<Target>(from, adapters, record, executor);
}

/// What `swap(W, merged, wanted, record)` would refuse. Does the work of an unmerge and writes
/// nothing.
template <class Target = default_target, element T, executor Executor = default_executor>
validation validate(matrix_view<T> w, adapter_list merged, adapter_list wanted,
                    const undo_record& record, const Executor& executor = {}) {
  if (validation found = detail::check(w, merged, wanted); !found) return found;
  return validate<Target>(w, merged, record, executor);
}

// ---- without a record --------------------------------------------------------------------------

/// W ← round(W + Σ s·B·A). Returns how many weights became infinite or NaN.
///
/// Each sum is rounded once to fp32 and once to W's type; by the recipe rounded_delta, Σ s·B·A is
/// rounded to W's type before. An empty list leaves every bit.
template <class Target = default_target, element T, executor Executor = default_executor>
std::int64_t merge(matrix_view<T> w, adapter_list adapters, const Executor& executor = {}) {
  detail::require(detail::check(w, adapters));
  return detail::combine_adapters<Target>(detail::as_source(w), detail::as_stored(w), adapters,
                                          executor, false);
}

/// The same from one matrix to another.
template <class Target = default_target, class Source, element T,
          executor Executor = default_executor>
requires detail::source_of<Source, T> std::int64_t merge(matrix_view<Source> from,
                                                         matrix_view<T> to, adapter_list adapters,
                                                         const Executor& executor = {}) {
  detail::require(detail::check(from, to, adapters));
  return detail::combine_adapters<Target>(detail::as_source(from), detail::as_stored(to), adapters,
                                          executor, false);
}

/// The rounded inverse, W ← round(W − Σ s·B·A), for when no record was kept. **Not exact.** Returns
/// how many weights became infinite or NaN.
///
/// For a weight x that was merged to a finite y and comes back as x', everything finite:
/// |x' − x| ≤ ½ulp(y) + ½ulp(x') in W's type, plus ½ulp(x + D) + ½ulp(y − D) in fp32: the errors of
/// the four roundings on the way there and back, each at most half a unit in the last place (IEEE
/// 754). Weights that were rounded to infinity or NaN do not come back.
template <class Target = default_target, element T, executor Executor = default_executor>
std::int64_t unmerge(matrix_view<T> w, adapter_list adapters, const Executor& executor = {}) {
  detail::require(detail::check(w, adapters));
  return detail::combine_adapters<Target>(detail::as_source(w), detail::as_stored(w), adapters,
                                          executor, true);
}

/// The same from one matrix to another.
template <class Target = default_target, class Source, element T,
          executor Executor = default_executor>
requires detail::source_of<Source, T> std::int64_t unmerge(matrix_view<Source> from,
                                                           matrix_view<T> to, adapter_list adapters,
                                                           const Executor& executor = {}) {
  detail::require(detail::check(from, to, adapters));
  return detail::combine_adapters<Target>(detail::as_source(from), detail::as_stored(to), adapters,
                                          executor, true);
}

// ---- with a record -----------------------------------------------------------------------------

/// The same merge, and `record` leads back to W as it is now: `unmerge(W, adapters, record)`.
///
/// What the record held before is forgotten, but only once all is done: after an exception it leads
/// back to where it led before.
/// Beside the factors each thread reserves up to 212·d_in bytes for a code, d_in rounded up to 64;
/// that is the worst case, and most of them are never touched.
template <class Target = default_target, element T, executor Executor = default_executor>
std::int64_t merge(matrix_view<T> w, adapter_list adapters, undo_record& record,
                   const Executor& executor = {}) {
  detail::require(detail::check(w, adapters));
  return detail::merge_recorded<Target>(detail::as_source(w),
                                        detail::in_place(detail::as_stored(w), !adapters.empty()),
                                        adapters, record, executor);
}

/// The same from one matrix to another; `record` leads from `to` back to `from`.
template <class Target = default_target, class Source, element T,
          executor Executor = default_executor>
requires detail::source_of<Source, T> std::int64_t merge(matrix_view<Source> from,
                                                         matrix_view<T> to, adapter_list adapters,
                                                         undo_record& record,
                                                         const Executor& executor = {}) {
  detail::require(detail::check(from, to, adapters));
  return detail::merge_recorded<Target>(detail::as_source(from), detail::as_stored(to), adapters,
                                        record, executor);
}

/// The exact inverse of `merge(W, adapters, record)`: every bit of W is as it was before, whatever
/// the bit patterns.
///
/// Needs the same adapters, in the same order, with the same strengths and recipe, and W as that
/// merge left it. Throws record_refused if the record is empty or made for another type, shape,
/// recipe or list of adapters, if W was changed since, or if it has been unmerged already; a change
/// that shows when other panels have been restored makes them merged again before the exception
/// leaves.
template <class Target = default_target, element T, executor Executor = default_executor>
void unmerge(matrix_view<T> w, adapter_list adapters, const undo_record& record,
             const Executor& executor = {}) {
  detail::require(detail::check(w, adapters));
  detail::require(detail::unmerge_recorded<Target>(
      detail::as_source(w), detail::in_place(detail::as_stored(w), !adapters.empty()), adapters,
      record, executor));
}

/// The same from one matrix to another.
template <class Target = default_target, class Source, element T,
          executor Executor = default_executor>
requires detail::source_of<Source, T>
void unmerge(matrix_view<Source> from, matrix_view<T> to, adapter_list adapters,
             const undo_record& record, const Executor& executor = {}) {
  detail::require(detail::check(from, to, adapters));
  detail::require(detail::unmerge_recorded<Target>(detail::as_source(from), detail::as_stored(to),
                                                   adapters, record, executor));
}

/// Whether `unmerge(W, adapters, record)` would succeed: if not, throws what it would throw. What
/// `validate` returns, as an exception.
template <class Target = default_target, class Source, executor Executor = default_executor>
void verify(matrix_view<Source> w, adapter_list adapters, const undo_record& record,
            const Executor& executor = {}) {
  detail::require(validate<Target>(w, adapters, record, executor));
}

/// Takes `merged` out of W and merges `wanted` instead, in one pass: W and `record` are then what
/// merging `wanted` into the base would have made them, bit for bit, whatever was merged before.
/// Returns how many weights of the base that merge makes infinite or NaN.
///
/// This is how one of several adapters is removed, added, moved or given another strength, exactly:
/// the lists have the others in common. Either may be empty. Refuses what unmerge refuses; after an
/// exception W and the record are as they were. Cost: that of an unmerge and of a merge, but W is
/// read and written once.
template <class Target = default_target, element T, executor Executor = default_executor>
std::int64_t swap(matrix_view<T> w, adapter_list merged, adapter_list wanted, undo_record& record,
                  const Executor& executor = {}) {
  detail::require(detail::check(w, merged, wanted));
  return detail::swap_recorded<Target>(detail::as_stored(w), merged, wanted, record, executor);
}

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
