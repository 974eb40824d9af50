// Which kernels a call uses.
#pragma once

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
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

/// A target is an xsimd architecture that the including file is compiled for, or a type with a
/// table of its own.
template <class Target>
const kernel_table& kernels_of() {
#ifndef REVLORA_DISPATCH
  if constexpr (!requires { Target::kernels(); })
    return compiled_kernels<Target>();
  else
#endif
    return Target::kernels();
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
