// Which kernels a call uses.
#pragma once

#include <type_traits>

#include "../../any_matrix.hpp"
#include "../../matrix_view.hpp"
#include "../border/call.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../stored.hpp"
#ifdef REVLORA_DISPATCH
#include "../../dispatch.hpp"
#else
#include "../kernels/compiled.hpp"
#endif

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// What calls compute with unless they say otherwise: what the including file is compiled for or,
/// if it is linked with revlora::dispatch, the best that the machine has.
#ifdef REVLORA_DISPATCH
using default_target = dispatch::best;
#else
using default_target = xsimd::default_arch;
#endif

namespace detail {

using kernel_interface::kernel_table;

#ifndef REVLORA_DISPATCH
/// The maps for weights that are passed as a view.
template <class View>
struct maps_for {
  using type = all_maps;
};
template <class T>
struct maps_for<matrix_view<T>> {
  using type = maps_of<stored_type<std::remove_const_t<T>>>;
};
/// For what needs none.
template <>
struct maps_for<void> {
  using type = map_list<>;
};

constexpr kernel_needs needs_of(plain::verb verb) {
  const bool is_plain = verb == plain::verb::merge || verb == plain::verb::subtract;
  return {is_plain, !is_plain};
}
#endif

/// The kernels of a target for some weights. A target is an xsimd architecture that the including
/// file is compiled for, or a type with a table of its own. For a typed view only the kernels for
/// that type are compiled, and of them what the verb needs.
template <class Target, class View, plain::verb verb>
const kernel_table& kernels_of() {
#ifdef REVLORA_DISPATCH
  return Target::kernels();
#else
  using maps = typename maps_for<View>::type;
  if constexpr (requires { Target::template kernels<maps>(); })
    return Target::template kernels<maps>();
  else if constexpr (requires { Target::kernels(); })
    return Target::kernels();
  else
    return compiled_kernels<Target, maps, needs_of(verb)>();
#endif
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
