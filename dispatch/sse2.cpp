// The kernels for every x86-64.
#define REVLORA_COMPILED_FOR dispatched_sse2
#define REVLORA_NO_FMA_NOTE
#include "built_in.hpp"
#include "revlora/detail/kernels/compiled.hpp"

#ifdef __SSE3__
#error "flags of the build make sse2.cpp more than it is for: give -march=…, not -m…"
#endif

namespace revlora::dispatch::built_in {

constinit const kernel_interface::kernel_table sse2 = detail::kernels<xsimd::sse2>;

}  // namespace revlora::dispatch::built_in
