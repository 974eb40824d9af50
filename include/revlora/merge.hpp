// Merging adapters into weights, and taking them out again.
//
// The calls below share these conventions.
//
// W is changed in place, in one pass, by 16×64 blocks; no delta of W's size exists at any time. The
// factors are packed once per call: at most 4·r·(d_out + d_in) bytes per adapter, freed before the
// call returns. Cost: 2·r·d_out·d_in floating-point operations per adapter, one read and one write
// of W.
//
// Adapters are added in list order. The result is the same, bit for bit, on every instruction set,
// with any executor and number of threads, for any stride and alignment, and in whatever
// floating-point mode the caller runs; that mode is left as it was found.
//
// `Arch` is the xsimd architecture to compute with, by default the best that the including file is
// compiled for.
//
// Bad input throws invalid_input, a record that does not fit record_refused, both derived from
// std::invalid_argument; lack of memory throws std::bad_alloc. After an exception W is as it was.
// Different matrices may be worked on from different threads at a time.
#pragma once

#include <atomic>
#include <cstdint>

#include "detail/check.hpp"
#include "detail/delta_low_rank.hpp"
#include "detail/element_code.hpp"
#include "detail/fingerprint.hpp"
#include "detail/pass.hpp"
#include "detail/record_pass.hpp"
#include "error.hpp"
#include "low_rank.hpp"
#include "matrix_view.hpp"
#include "parallel.hpp"
#include "undo_record.hpp"

namespace revlora::inline v0 {

/// W ← round(W + Σ s·B·A). Returns how many weights became infinite or NaN.
///
/// Each sum is rounded once to fp32 and once to W's type; an empty list leaves every bit.
template <class Arch = xsimd::default_arch, element T, executor Executor = default_executor>
std::int64_t merge(matrix_view<T> w, adapter_list adapters, const Executor& executor = {}) {
  detail::check(w, adapters);
  if (adapters.empty()) return 0;
  const detail::low_rank_delta<Arch> delta(adapters, executor);
  return detail::combine_pass<Arch>(delta, w, executor, [](auto x, auto d) { return x + d; });
}

/// The same merge, and `record` leads back to W as it is now: `unmerge(W, adapters, record)`.
///
/// What the record held before is forgotten. If the call throws, the record is empty or as it was.
template <class Arch = xsimd::default_arch, element T, executor Executor = default_executor>
std::int64_t merge(matrix_view<T> w, adapter_list adapters, undo_record& record,
                   const Executor& executor = {}) {
  detail::check(w, adapters);
  detail::record_contents& contents = detail::record_access::contents(record);
  contents.bytes.clear();
  contents.type = element_type_of<T>;
  contents.rows = w.rows;
  contents.cols = w.cols;
  contents.fingerprints.clear();
  for (const low_rank& adapter : adapters) contents.fingerprints.push_back(fingerprint(adapter));
  if (adapters.empty()) {
    detail::record_unchanged(w, contents, executor);
    return 0;
  }
  const detail::low_rank_delta<Arch> delta(adapters, executor);
  return detail::record_pass<Arch, detail::fused_code<T>>(delta, w, contents, executor);
}

/// The rounded inverse, W ← round(W − Σ s·B·A), for when no record was kept. **Not exact.** Returns
/// how many weights became infinite or NaN.
///
/// For a weight x that was merged to a finite y and comes back as x', everything finite:
/// |x' − x| ≤ ½ulp(y) + ½ulp(x') in W's type, plus ½ulp(x + D) + ½ulp(y − D) in fp32. Weights that
/// were rounded to infinity or NaN do not come back.
template <class Arch = xsimd::default_arch, element T, executor Executor = default_executor>
std::int64_t unmerge(matrix_view<T> w, adapter_list adapters, const Executor& executor = {}) {
  detail::check(w, adapters);
  if (adapters.empty()) return 0;
  const detail::low_rank_delta<Arch> delta(adapters, executor);
  return detail::combine_pass<Arch>(delta, w, executor, [](auto x, auto d) { return x - d; });
}

/// What a matrix is to an undo record.
enum class weights_state {
  base,    ///< what the record leads back to
  merged,  ///< what the record starts from (also if the merge changed nothing)
  other,   ///< neither: changed by somebody, or other weights
};

/// Compares W with the checksums in a record. Reads W once and writes nothing.
template <class T, executor Executor = default_executor>
weights_state state_of(matrix_view<T> w, const undo_record& record, const Executor& executor = {}) {
  using value = std::remove_const_t<T>;
  detail::check(w, {});
  const detail::record_contents& contents = detail::record_access::contents(record);
  if (record.empty() || contents.type != element_type_of<value> || contents.rows != w.rows ||
      contents.cols != w.cols)
    return weights_state::other;
  std::atomic<bool> is_merged = true;
  const std::uint64_t sum = detail::checksum_pass<value>(
      w, executor, [&](std::ptrdiff_t panel, const detail::panel_checksums& checksums) {
        if (checksums.narrow != contents.panels[static_cast<std::size_t>(panel)].merged_checksum)
          is_merged = false;
      });
  if (is_merged) return weights_state::merged;
  return sum == contents.base_checksum ? weights_state::base : weights_state::other;
}

/// The exact inverse of `merge(W, adapters, record)`: every bit of W is as it was before, whatever
/// the bit patterns.
///
/// Needs the same adapters, in the same order, with the same strengths, and W as that merge left
/// it. Throws record_refused, before W is touched, if the record is empty or made for another type,
/// shape or list of adapters, if W was changed since, or if it has been unmerged already. Reads W
/// once more than a merge, to know.
template <class Arch = xsimd::default_arch, element T, executor Executor = default_executor>
void unmerge(matrix_view<T> w, adapter_list adapters, const undo_record& record,
             const Executor& executor = {}) {
  detail::check(w, adapters);
  detail::check_record(w, adapters, record);
  switch (state_of(w, record, executor)) {
    case weights_state::merged:
      break;
    case weights_state::base:
      detail::refuse_record("W has been unmerged already, it is at the base");
    case weights_state::other:
      detail::refuse_record("W is not what this undo record starts from: it was changed since");
  }
  if (adapters.empty()) return;
  const detail::record_contents& contents = detail::record_access::contents(record);
  const detail::low_rank_delta<Arch> delta(adapters, executor);
  const std::uint64_t base = detail::restore_pass<Arch, detail::fused_code<T>>(
      delta, w, contents.panels, contents.bytes, executor);
  // Nothing that passed the checks above leads here, short of a forged record or broken memory.
  if (base != contents.base_checksum)
    detail::refuse_record("the unmerged weights fail the base's checksum: do not use them");
}

}  // namespace revlora::inline v0
