// What the sources compiled for one instruction set each give to the choice among them.
#pragma once

#include "revlora/detail/kernel_interface.hpp"

namespace revlora::dispatch::built_in {

#if defined(__x86_64__)
extern const kernel_interface::kernel_table sse2, avx2, avx512, avx512vbmi2, avx512bf16, amx;

bool has_fast_bf16_pairs();  ///< to be asked only where avx512bf16 runs
bool has_bf16_tiles();       ///< to be asked only where what else amx is compiled for runs
#elif defined(__aarch64__)
extern const kernel_interface::kernel_table neon;
#else
#error "revlora::dispatch knows x86-64 and AArch64"
#endif

}  // namespace revlora::dispatch::built_in
