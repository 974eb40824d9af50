// From the arguments of a public call to a call below the border, and back.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "../../adapter.hpp"
#include "../../any_matrix.hpp"
#include "../../error.hpp"
#include "../../matrix_view.hpp"
#include "../../parallel.hpp"
#include "../../undo_record.hpp"
#include "../../workspace.hpp"
#include "../border/call.hpp"
#include "../executor_reference.hpp"
#include "../namespace.hpp"
#include "target.hpp"
#include "verb_calls.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <class View>
inline constexpr bool is_view = false;
template <class T>
inline constexpr bool is_view<matrix_view<T>> = true;
template <class Byte>
inline constexpr bool is_view<basic_any_matrix<Byte>> = true;

/// Weights as they cross the border.
template <class View>
plain::weights plain_weights(const View& view) {
  return any_const_matrix(view).to_plain();
}

/// A call on weights in place, without adapters; all else is to be filled in.
template <class Target, plain::verb asked, class View, executor Executor>
plain::call call_on(const View& weights, const Executor& executor, workspace* memory) {
  plain::call call{};
  call.asked = asked;
  call.from = call.to = plain_weights(weights);
  call.runs_on = reference_to(executor);
  if (memory != nullptr) call.memory = &memory->to_plain();
  call.kernels = &kernels_of<Target, View, asked>();
  return call;
}
/// A call that only asks whether the arguments of a merge can be used, which takes no kernels.
template <class View>
plain::call question_about(const View& weights, const plain::adapter_list& adapters) {
  plain::call call{};
  call.only_checks = true;
  call.from = call.to = plain_weights(weights);
  call.wanted = adapters;
  return call;
}

[[gnu::noinline]] inline validation ask(const plain::call& call, plain::answer& answer) {
  std::string text;
  const auto reason = static_cast<refusal>(perform(call, answer, text));
  return {reason, std::move(text)};
}
inline validation ask(const plain::call& call) {
  plain::answer answer{};
  return ask(call, answer);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
