// What a matrix is to an undo record: the base, merged, or neither.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "detail/border/check.hpp"
#include "detail/border/target.hpp"
#include "detail/namespace.hpp"
#include "detail/schedule/pass.hpp"
#include "detail/stored.hpp"
#include "matrix_view.hpp"
#include "parallel.hpp"
#include "undo_record.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// What a matrix is to an undo record.
enum class weights_state {
  base,    ///< what the record leads back to
  merged,  ///< what the record starts from (also if the merge changed nothing)
  other,   ///< neither: changed by somebody, or other weights
};

namespace detail {
/// Finds the state of weights that can be used; says what the executor failed to do.
template <class Target, element T, executor Executor>
validation find_state(matrix_view<const T> w, const undo_record& record, const Executor& executor,
                      weights_state& state) {
  state = weights_state::other;
  const record_contents& contents = record_access::contents(record);
  if (record.empty() || contents.type != element_type_of<T> || contents.rows != w.rows ||
      contents.cols != w.cols)
    return {};
  std::atomic<bool> is_merged = true;
  std::atomic<std::uint64_t> sum = 0;
  validation found = checksum_pass<T>(
      kernels_of<Target>(), w, executor,
      [&](std::ptrdiff_t panel, const kernel_interface::panel_checksums& its) {
        sum += its.wide;
        if (its.narrow != contents.panels[static_cast<std::size_t>(panel)].merged_checksum)
          is_merged = false;
      });
  if (is_merged)
    state = weights_state::merged;
  else if (sum == contents.base_checksum)
    state = weights_state::base;
  return found;
}
}  // namespace detail

/// Compares W with the checksums in a record: `other` too if that is empty, or of weights of
/// another type or shape. Reads W once and writes nothing. Throws invalid_input if W cannot be
/// used, and executor_failed.
template <class Target = default_target, class T, executor Executor = default_executor>
weights_state state_of(matrix_view<T> w, const undo_record& record, const Executor& executor = {}) {
  detail::require(detail::check(w, {}));
  weights_state state;
  detail::require(detail::find_state<Target>(detail::as_source(w), record, executor, state));
  return state;
}

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
