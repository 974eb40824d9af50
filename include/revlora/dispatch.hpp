/// \file
/// One binary for every processor: revlora's kernels compiled for several instruction sets, and the
/// choice among them at run time.
///
/// Link the CMake target revlora::dispatch; no source changes. The target defines REVLORA_DISPATCH,
/// which makes `dispatch::best` what every call computes with (merge.hpp). The files that call may
/// be compiled for any processor, the oldest included: none of revlora's arithmetic is in them, nor
/// do they see xsimd.
///
///     merge(W, adapter);                                             // by the best that is here
///     merge<dispatch::on<dispatch::instruction_set::avx2>>(W, adapter);  // by this one
///
/// The bits are the same on every set. The environment variable REVLORA_ISA names one by which
/// `best` computes instead: `sse2`, `avx2`, `avx512`, `avx512vbmi2`, `avx512bf16`, `amx` or `neon`.
/// A name that is none of these, or a set that the machine lacks, is an error and never ignored:
/// std::runtime_error says which sets are possible here. Empty is as good as not set.
///
/// Everything here is compiled in the library, nothing in the files that include it. All functions
/// may be called from several threads at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "detail/kernel_interface.hpp"

/// The choice among the kernels of several instruction sets.
namespace revlora::dispatch {

/// What kernels exist for, on each architecture from the least to the best.
enum class instruction_set : std::uint8_t {
  sse2,         ///< every x86-64
  avx2,         ///< with FMA, F16C, BMI1, BMI2, LZCNT and POPCNT
  avx512,       ///< F, BW, CD, DQ and VL, beside all of avx2
  avx512vbmi2,  ///< avx512 and VBMI2: Intel since Ice Lake
  avx512bf16,   ///< avx512vbmi2, AVX512-BF16, and VDPBF16PS for adapters of bf16: AMD since Zen 4
  amx,          ///< avx512vbmi2, AVX512-BF16, and AMX for adapters of bf16
  neon,         ///< every AArch64
};

/// As REVLORA_ISA names it.
const char* name_of(instruction_set);

/// Whether the library has kernels for it and this machine, its operating system included, runs
/// them. For amx, Linux is asked to let this process use it, which makes the saved state of threads
/// larger that do.
bool runs_here(instruction_set);

/// All that run here, in the order above.
std::vector<instruction_set> available();

/// What `best` computes with: the best that runs here (avx512bf16 only on processors that are
/// faster by it, which Intel's are not), or what REVLORA_ISA names. Decided by the first call that
/// succeeds. Throws std::runtime_error as said above.
instruction_set chosen();

/// Throws std::runtime_error if the set does not run here.
const kernel_interface::kernel_table& kernels(instruction_set);

// ---- targets for the verbs ---------------------------------------------------------------------

/// Throws what `chosen` throws.
struct best {
  /// Of the set that is chosen.
  static const kernel_interface::kernel_table& kernels();
};

/// Throws std::runtime_error if the set does not run here.
template <instruction_set set>
struct on {
  /// Of this set.
  static const kernel_interface::kernel_table& kernels();
};

}  // namespace revlora::dispatch
