/// \file
/// What a matrix is to an undo record: the base, merged, or neither.
#pragma once

#include <cstdint>

#include "detail/door/ask.hpp"
#include "detail/namespace.hpp"
#include "merge.hpp"
#include "parallel.hpp"
#include "undo_record.hpp"
#include "workspace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// What a matrix is to an undo record.
enum class weights_state : std::uint8_t {
  base,    ///< what the record leads back to
  merged,  ///< what the record starts from (also if the merge changed nothing)
  other,   ///< neither: changed by somebody, or other weights
};

/// Compares W with the checksums in a record: `other` too if that is empty, or of weights of
/// another type or shape; scales are not looked at. Reads W once and writes nothing. Throws
/// invalid_input if W cannot be used, std::bad_alloc and executor_failed.
template <class Target = default_target, weights_view W, executor Executor = default_executor>
weights_state state_of(W w, const undo_record& record, const Executor& executor = {},
                       workspace* memory = nullptr) {
  plain::call call = detail::call_on<Target, plain::verb::look>(w, executor, memory);
  call.old_record = record.to_plain();
  plain::answer answer{};
  detail::require(detail::ask(call, answer));
  return static_cast<weights_state>(answer.state);
}

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
