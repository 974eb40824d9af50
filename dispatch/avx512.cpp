// The kernels for AVX-512: Intel since Skylake-X (2017), AMD since Zen 4 (2022).
//
// Those that use VDPBF16PS beside it are compiled from the same file for the same processor: it is
// used through assembly.
#define REVLORA_COMPILED_FOR dispatched_avx512
#include "built_in.hpp"
#include "revlora/detail/kernels/compiled.hpp"

#if defined(__AVX512VBMI__) || defined(__AVX512VNNI__) || defined(__AVX512BF16__)
#error "flags of the build make avx512.cpp more than it is for: give -march=…, not -m…"
#endif

namespace revlora::dispatch::built_in {

using kernel_interface::kernel_table;
using arch = xsimd::avx512bw;

constinit const kernel_table avx512 = detail::kernels<arch>;
constinit const kernel_table avx512bf16 =
    detail::kernels<arch, detail::unit_list<detail::fma_unit, detail::bf16_pairs_unit>>;

bool has_bf16_pairs() {
  static const bool answer = detail::has_bf16_pairs();
  return answer;
}
bool has_fast_bf16_pairs() {
  static const bool answer = detail::has_fast_bf16_pairs();
  return answer;
}

}  // namespace revlora::dispatch::built_in
