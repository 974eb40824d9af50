// The kernels for AVX-512 with AMX: Intel since Sapphire Rapids (2023). All of these have VBMI2
// and AVX512-BF16 too, which the flags allow; AMX is used through assembly.
#define REVLORA_COMPILED_FOR dispatched_amx
#include "built_in.hpp"
#include "revlora/detail/kernels/compiled.hpp"

#if defined(__AVX512VNNI__)
#error "flags of the build make amx.cpp more than it is for: give -march=…, not -m…"
#endif

namespace revlora::dispatch::built_in {

constinit const kernel_interface::kernel_table amx =
    detail::kernels<xsimd::avx512bw, detail::unit_list<detail::fma_unit, detail::bf16_tiles_unit>>;

bool has_bf16_tiles() {
  static const bool answer = detail::has_bf16_tiles();
  return answer;
}

}  // namespace revlora::dispatch::built_in
