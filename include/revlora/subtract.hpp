/// \file
/// The rounded inverse of a merge, for when no undo record was kept. **Not exact.**
#pragma once

#include "adapter.hpp"
#include "detail/door/ask.hpp"
#include "detail/namespace.hpp"
#include "error.hpp"
#include "merge.hpp"
#include "parallel.hpp"
#include "workspace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

namespace detail {
template <class Target, class View, executor Executor>
plain::call subtract_call(const View& w, const adapter_list& adapters, const Executor& executor,
                          workspace* memory) {
  plain::call call = call_on<Target, plain::verb::subtract>(w, executor, memory);
  call.merged = adapters.to_plain();
  return call;
}
}  // namespace detail

/// `subtract(W, adapters)`, but returns what is wrong where that throws. Not exact.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
attempt try_subtract(W w, adapter_list adapters, const Executor& executor = {},
                     workspace* memory = nullptr) {
  return detail::attempted(detail::subtract_call<Target>(w, adapters, executor, memory));
}

/// The same from one matrix to another.
template <class Target = default_target, weights_view From, writable_weights To,
          executor Executor = default_executor>
attempt try_subtract(From from, To to, adapter_list adapters, const Executor& executor = {},
                     workspace* memory = nullptr) {
  return detail::attempted(
      detail::to(detail::subtract_call<Target>(from, adapters, executor, memory), to));
}

/// W ← round(W − D), which is **not exact**: it does not give back what a merge has rounded away.
/// Only a record does (`unmerge`).
///
/// For a weight x that was merged to a finite y and comes back as x', everything finite:
/// |x' − x| ≤ ½ulp(y) + ½ulp(x') in W's type, plus ½ulp(x + D) + ½ulp(y − D) in fp32: the errors of
/// the four roundings on the way there and back, each at most half a unit in the last place (IEEE
/// 754). Weights that were rounded to infinity or NaN, or saturated, do not come back. Once begun
/// it goes on to the end, as a merge without a record does.
template <class Target = default_target, writable_weights W, executor Executor = default_executor>
merge_report subtract(W w, adapter_list adapters, const Executor& executor = {},
                      workspace* memory = nullptr) {
  return detail::done(try_subtract<Target>(w, adapters, executor, memory));
}

/// The same from one matrix to another.
template <class Target = default_target, weights_view From, writable_weights To,
          executor Executor = default_executor>
merge_report subtract(From from, To to, adapter_list adapters, const Executor& executor = {},
                      workspace* memory = nullptr) {
  return detail::done(try_subtract<Target>(from, to, adapters, executor, memory));
}

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
