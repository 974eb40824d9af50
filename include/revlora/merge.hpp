/// \file
/// Merging adapters into weights, taking them out again, and exchanging some for others.
///
/// The calls below share these conventions.
///
/// W is `d_out × d_in`; of each adapter B is `d_out × r` and A `r × d_in` (low_rank.hpp).
///
/// W is changed in place, in one pass, by 16×64 blocks; no delta of W's size exists at any time. Or
/// it is read from one matrix and written to another that does not overlap it, with the same bits:
/// `merge(from, to, …)`, `unmerge(from, to, …)`. Weights are a matrix_view, whose type the compiler
/// knows, or an any_matrix: the bits are the same, but a file that includes the kernels compiles
/// those of each type that it names, and for an any_matrix all.
///
/// The factors are packed once per call: at most 4·r·(d_out + d_in) bytes per adapter, with r
/// rounded up to 2, d_out to 16 and d_in to 64. Cost: 2·r·d_out·d_in floating-point operations per
/// adapter, one read and one write of W.
///
/// What a call takes beside W and records is freed or kept when it returns: by a workspace that the
/// caller passes last (workspace.hpp), of any size, so that the next call of this kind allocates
/// nothing; without one, by the calling thread, up to 4 MiB.
///
/// Adapters are added in list order, by the recipe of the list. The result is the same, bit for
/// bit, on every instruction set, with any executor and number of threads, for any stride and
/// alignment, and in whatever floating-point mode the caller runs; that mode is left as it was
/// found.
///
/// `Target` is what to compute with: an xsimd architecture that the including file is compiled for,
/// by default the best, or what revlora::dispatch offers (dispatch.hpp). A file that is compiled
/// for AVX-512 uses AMX too, where the machine has it, and VDPBF16PS where that is fast.
///
/// Bad input throws invalid_input, a record that does not fit record_refused, both derived from
/// std::invalid_argument; lack of memory throws std::bad_alloc; an executor that leaves work undone
/// or does it twice, executor_failed; and what an executor throws itself leaves the call as it is.
/// After an exception weights that were to be changed in place are as they were, and so is a record
/// that was to be filled; what a separate destination holds is unspecified.
///
/// `try_merge`, `try_unmerge` and `try_swap` do the same, but return what is wrong (error.hpp),
/// lack of memory included, where the others throw. `validate` asks without doing it.
///
/// Without a record nothing leads back from weights that are half merged. So once the factors are
/// packed, `merge(W, adapters)` goes on to the end, whatever the executor does: what it leaves
/// undone, also by throwing, the calling thread does, and the call returns. The inverse for when no
/// record was kept is not exact and stands apart: subtract.hpp.
///
/// Different matrices may be worked on from different threads at a time.
#pragma once

#include <cstdint>

#include "adapter.hpp"
#include "any_matrix.hpp"
#include "detail/door/ask.hpp"
#include "detail/namespace.hpp"
#include "error.hpp"
#include "hadamard.hpp"
#include "low_rank.hpp"
#include "matrix_view.hpp"
#include "merge_report.hpp"
#include "parallel.hpp"
#include "undo_record.hpp"
#include "workspace.hpp"

/// All that is revlora's. What is in `detail` may change with every version.
namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// Weights, or a place for them: a matrix_view or an any_matrix, read-only ones too. What a call
/// changes may not be read-only.
template <class View>
concept weights_view = detail::is_view<View>;
/// Weights that may be changed.
template <class View>
concept writable_weights = weights_view<View> && std::convertible_to<View, any_matrix>;

/// Whether a merge was done, or why not; and what it did.
struct [[nodiscard]] attempt : validation {
  merge_report report;  ///< zeros, if it was not done
};

namespace detail {
// Out of line, as the one below: what they do once a call need not be in every caller.
[[gnu::noinline]] inline attempt attempted(const plain::call& call) {
  plain::answer answer{};
  validation found = ask(call, answer);
  if (!found) return {std::move(found), {}};
  return {{}, {answer.counts.changed, answer.counts.became_not_finite}};
}
inline merge_report done(const attempt& tried) {
  require(tried);
  return tried.report;
}
template <class Target, class View, executor Executor>
plain::call merge_call(const View& w, const adapter_list& adapters, const Executor& executor,
                       workspace* memory) {
  plain::call call = call_on<Target, plain::verb::merge>(w, executor, memory);
  call.wanted = adapters.to_plain();
  return call;
}
template <class Target, class View, executor Executor>
plain::call merge_call(const View& w, const adapter_list& adapters, undo_record& record,
                       const Executor& executor, workspace* memory) {
  plain::call call = call_on<Target, plain::verb::merge_recorded>(w, executor, memory);
  call.wanted = adapters.to_plain();
  call.new_record = &record.to_plain();
  return call;
}
template <class Target, class View, executor Executor>
plain::call unmerge_call(const View& w, const adapter_list& adapters, const undo_record& record,
                         const Executor& executor, workspace* memory) {
  plain::call call = call_on<Target, plain::verb::unmerge>(w, executor, memory);
  call.merged = adapters.to_plain();
  call.old_record = record.to_plain();
  return call;
}
template <class View>
plain::call to(plain::call call, const View& destination) {
  call.elsewhere = true;
  call.to = plain_weights(destination);
  return call;
}
inline plain::call only_checked(plain::call call) {
  call.only_checks = true;
  return call;
}
}  // namespace detail

// ---- the forms that return what is wrong --------------------------------------------------------

/// `merge(W, adapters)`.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
attempt try_merge(W w, adapter_list adapters, const Executor& executor = {},
                  workspace* memory = nullptr) {
  return detail::attempted(detail::merge_call<Target>(w, adapters, executor, memory));
}

/// `merge(from, to, adapters)`.
template <class Target = default_target, weights_view From, writable_weights To,
          executor Executor = default_executor>
attempt try_merge(From from, To to, adapter_list adapters, const Executor& executor = {},
                  workspace* memory = nullptr) {
  return detail::attempted(
      detail::to(detail::merge_call<Target>(from, adapters, executor, memory), to));
}

/// `merge(W, adapters, record)`.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
attempt try_merge(W w, adapter_list adapters, undo_record& record, const Executor& executor = {},
                  workspace* memory = nullptr) {
  return detail::attempted(detail::merge_call<Target>(w, adapters, record, executor, memory));
}

/// `merge(from, to, adapters, record)`.
template <class Target = default_target, weights_view From, writable_weights To,
          executor Executor = default_executor>
attempt try_merge(From from, To to, adapter_list adapters, undo_record& record,
                  const Executor& executor = {}, workspace* memory = nullptr) {
  return detail::attempted(
      detail::to(detail::merge_call<Target>(from, adapters, record, executor, memory), to));
}

/// `unmerge(W, adapters, record)`.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
validation try_unmerge(W w, adapter_list adapters, const undo_record& record,
                       const Executor& executor = {}, workspace* memory = nullptr) {
  return detail::ask(detail::unmerge_call<Target>(w, adapters, record, executor, memory));
}

/// `unmerge(from, to, adapters, record)`.
template <class Target = default_target, weights_view From, writable_weights To,
          executor Executor = default_executor>
validation try_unmerge(From from, To to, adapter_list adapters, const undo_record& record,
                       const Executor& executor = {}, workspace* memory = nullptr) {
  return detail::ask(
      detail::to(detail::unmerge_call<Target>(from, adapters, record, executor, memory), to));
}

/// `swap(W, merged, wanted, record)`.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
attempt try_swap(W w, adapter_list merged, adapter_list wanted, undo_record& record,
                 const Executor& executor = {}, workspace* memory = nullptr) {
  plain::call call = detail::call_on<Target, plain::verb::swap>(w, executor, memory);
  call.merged = merged.to_plain();
  call.wanted = wanted.to_plain();
  call.old_record = record.to_plain();
  call.new_record = &record.to_plain();
  return detail::attempted(call);
}

// ---- merge --------------------------------------------------------------------------------------

/// W ← round(W + D), and `record` leads back to W as it is now: `unmerge(W, adapters, record)`. An
/// empty list leaves every bit.
///
/// What the record held before is forgotten, but only once all is done: after an exception it leads
/// back to where it led before.
/// Beside the factors each thread reserves up to 212·d_in bytes for a code, d_in rounded up to 64;
/// that is the worst case, and most of them are never touched. Codes are kept aside until all are
/// made: about as much again as the record.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
merge_report merge(W w, adapter_list adapters, undo_record& record, const Executor& executor = {},
                   workspace* memory = nullptr) {
  return detail::done(try_merge<Target>(w, adapters, record, executor, memory));
}

/// The same from one matrix to another; `record` leads from `to` back to `from`.
template <class Target = default_target, weights_view From, writable_weights To,
          executor Executor = default_executor>
merge_report merge(From from, To to, adapter_list adapters, undo_record& record,
                   const Executor& executor = {}, workspace* memory = nullptr) {
  return detail::done(try_merge<Target>(from, to, adapters, record, executor, memory));
}

/// The same merge, and nothing that leads back. O(1) memory beside the factors.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
merge_report merge(W w, adapter_list adapters, const Executor& executor = {},
                   workspace* memory = nullptr) {
  return detail::done(try_merge<Target>(w, adapters, executor, memory));
}

/// The same from one matrix to another.
template <class Target = default_target, weights_view From, writable_weights To,
          executor Executor = default_executor>
merge_report merge(From from, To to, adapter_list adapters, const Executor& executor = {},
                   workspace* memory = nullptr) {
  return detail::done(try_merge<Target>(from, to, adapters, executor, memory));
}

// ---- unmerge ------------------------------------------------------------------------------------

/// The exact inverse of `merge(W, adapters, record)`: every bit of W is as it was before, whatever
/// the bit patterns.
///
/// Needs the same adapters, in the same order, with the same strengths and recipe, and W as that
/// merge left it. Throws record_refused if the record is empty or made for another type, shape,
/// scales, recipe or list of adapters, if W was changed since, or if it has been unmerged already;
/// a change that shows when other panels have been restored makes them merged again before the
/// exception leaves.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
void unmerge(W w, adapter_list adapters, const undo_record& record, const Executor& executor = {},
             workspace* memory = nullptr) {
  detail::require(try_unmerge<Target>(w, adapters, record, executor, memory));
}

/// The same from one matrix to another.
template <class Target = default_target, weights_view From, writable_weights To,
          executor Executor = default_executor>
void unmerge(From from, To to, adapter_list adapters, const undo_record& record,
             const Executor& executor = {}, workspace* memory = nullptr) {
  detail::require(try_unmerge<Target>(from, to, adapters, record, executor, memory));
}

// ---- swap ---------------------------------------------------------------------------------------

/// Takes `merged` out of W and merges `wanted` instead, in one pass: W and `record` are then what
/// merging `wanted` into the base would have made them, bit for bit, whatever was merged before.
///
/// This is how one of several adapters is removed, added, moved or given another strength, exactly:
/// the lists have the others in common. Either may be empty; with nothing merged and a fresh record
/// it is a merge. Refuses what unmerge refuses, and a change from recipe `nan` to another, or back,
/// of e4m3 weights; after an exception W and the record are as they were. Cost: that of an unmerge
/// and of a merge, but W is read and written once.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
merge_report swap(W w, adapter_list merged, adapter_list wanted, undo_record& record,
                  const Executor& executor = {}, workspace* memory = nullptr) {
  return detail::done(try_swap<Target>(w, merged, wanted, record, executor, memory));
}

// ---- what a call would refuse -------------------------------------------------------------------

/// What `merge(W, adapters)` and `subtract(W, adapters)` would refuse, with a record to be filled
/// or without one, but for want of memory. O(1) per adapter.
template <weights_view W>
validation validate(W w, adapter_list adapters) {
  return detail::ask(detail::question_about(w, adapters.to_plain()));
}

/// What `merge(from, to, adapters)` and `subtract(from, to, adapters)` would refuse. O(1) per
/// adapter.
template <weights_view From, weights_view To>
validation validate(From from, To to, adapter_list adapters) {
  return detail::ask(detail::to(detail::question_about(from, adapters.to_plain()), to));
}

/// What `unmerge(W, adapters, record)` would refuse. Does all of its work, the comparison with the
/// base's checksum included, and writes nothing.
template <class Target = default_target, weights_view W, executor Executor = default_executor>
validation validate(W w, adapter_list adapters, const undo_record& record,
                    const Executor& executor = {}, workspace* memory = nullptr) {
  return detail::ask(
      detail::only_checked(detail::unmerge_call<Target>(w, adapters, record, executor, memory)));
}

/// What `unmerge(from, to, adapters, record)` would refuse. Does its work and writes nothing.
template <class Target = default_target, weights_view From, weights_view To,
          executor Executor = default_executor>
validation validate(From from, To to, adapter_list adapters, const undo_record& record,
                    const Executor& executor = {}, workspace* memory = nullptr) {
  return detail::ask(detail::only_checked(
      detail::to(detail::unmerge_call<Target>(from, adapters, record, executor, memory), to)));
}

/// What `swap(W, merged, wanted, record)` would refuse. Does the work of an unmerge and writes
/// nothing.
template <class Target = default_target, weights_view W, executor Executor = default_executor>
validation validate(W w, adapter_list merged, adapter_list wanted, const undo_record& record,
                    const Executor& executor = {}, workspace* memory = nullptr) {
  plain::call call = detail::call_on<Target, plain::verb::swap>(w, executor, memory);
  call.merged = merged.to_plain();
  call.wanted = wanted.to_plain();
  call.old_record = record.to_plain();
  return detail::ask(detail::only_checked(call));
}

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
