// The kernels for every AArch64.
#define REVLORA_COMPILED_FOR dispatched_neon
#include "built_in.hpp"
#include "revlora/detail/kernels/compiled.hpp"

namespace revlora::dispatch::built_in {

constinit const kernel_interface::kernel_table neon = detail::kernels<xsimd::neon64>;

}  // namespace revlora::dispatch::built_in
