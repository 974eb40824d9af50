// The kernels for AVX2: Intel since Haswell (2013), AMD since Excavator (2015).
#define REVLORA_COMPILED_FOR dispatched_avx2
#include "built_in.hpp"
#include "revlora/detail/kernels/compiled.hpp"

#if defined(__AVX512F__) || defined(__AVXVNNI__)
#error "flags of the build make avx2.cpp more than it is for: give -march=…, not -m…"
#endif

namespace revlora::dispatch::built_in {

using arch = xsimd::fma3<xsimd::avx2>;

constinit const kernel_interface::kernel_table avx2 = detail::kernels<arch>;

}  // namespace revlora::dispatch::built_in
