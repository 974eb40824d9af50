// What a matrix is to an undo record: the base, merged, or neither.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "detail/check.hpp"
#include "detail/namespace.hpp"
#include "detail/pass.hpp"
#include "detail/stored.hpp"
#include "detail/target.hpp"
#include "matrix_view.hpp"
#include "parallel.hpp"
#include "undo_record.hpp"

namespace revlora::inline REVLORA_NAMESPACE {

/// What a matrix is to an undo record.
enum class weights_state {
  base,    ///< what the record leads back to
  merged,  ///< what the record starts from (also if the merge changed nothing)
  other,   ///< neither: changed by somebody, or other weights
};

/// Compares W with the checksums in a record: `other` too if that is empty, or of weights of
/// another type or shape. Reads W once and writes nothing. Throws invalid_input if W cannot be
/// used.
template <class Target = default_target, class T, executor Executor = default_executor>
weights_state state_of(matrix_view<T> w, const undo_record& record, const Executor& executor = {}) {
  using value = detail::stored_type<std::remove_const_t<T>>;
  detail::require(detail::check(w, {}));
  const detail::record_contents& contents = detail::record_access::contents(record);
  if (record.empty() || contents.type != element_type_of<value> || contents.rows != w.rows ||
      contents.cols != w.cols)
    return weights_state::other;
  std::atomic<bool> is_merged = true;
  const std::uint64_t sum = detail::checksum_pass<value>(
      detail::kernels_of<Target>(), detail::as_source(w), executor,
      [&](std::ptrdiff_t panel, const detail::panel_checksums& checksums) {
        if (checksums.narrow != contents.panels[static_cast<std::size_t>(panel)].merged_checksum)
          is_merged = false;
      });
  if (is_merged) return weights_state::merged;
  return sum == contents.base_checksum ? weights_state::base : weights_state::other;
}

}  // namespace revlora::inline REVLORA_NAMESPACE
