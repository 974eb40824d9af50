// The kernels for AVX-512 with VBMI2: Intel since Ice Lake (2019).
#define REVLORA_COMPILED_FOR dispatched_avx512vbmi2
#include "built_in.hpp"
#include "revlora/detail/kernels/compiled.hpp"

#if defined(__AVX512VNNI__) || defined(__AVX512BF16__)
#error "flags of the build make avx512vbmi2.cpp more than it is for: give -march=…, not -m…"
#endif

namespace revlora::dispatch::built_in {

constinit const kernel_interface::kernel_table avx512vbmi2 = detail::kernels<xsimd::avx512bw>;

}  // namespace revlora::dispatch::built_in
