// The kernels for AVX-512 with VBMI2 and BF16: AMD since Zen 4 (2022).
#define REVLORA_COMPILED_FOR dispatched_avx512bf16
#include "built_in.hpp"
#include "revlora/detail/kernels/compiled.hpp"

#if defined(__AVX512VNNI__)
#error "flags of the build make avx512bf16.cpp more than it is for: give -march=…, not -m…"
#endif

namespace revlora::dispatch::built_in {

constinit const kernel_interface::kernel_table avx512bf16 =
    detail::kernels<xsimd::avx512bw, detail::unit_list<detail::fma_unit, detail::bf16_pairs_unit>>;

bool has_fast_bf16_pairs() {
  static const bool answer = detail::has_fast_bf16_pairs();
  return answer;
}

}  // namespace revlora::dispatch::built_in
