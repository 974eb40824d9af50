// The instruction sets of revlora::dispatch.
#pragma once

#include "revlora/dispatch.hpp"

#if defined(__aarch64__)
#define REVLORA_TESTS_FOR_EACH_ARCH(X) X(neon)
#else
#define REVLORA_TESTS_FOR_EACH_ARCH(X) X(sse2) X(avx2) X(avx512) X(avx512vbmi2) X(avx512bf16) X(amx)
#endif

namespace tests {

using revlora::dispatch::instruction_set;
using sse2 = revlora::dispatch::on<instruction_set::sse2>;
using avx2 = revlora::dispatch::on<instruction_set::avx2>;
using avx512 = revlora::dispatch::on<instruction_set::avx512>;
using avx512vbmi2 = revlora::dispatch::on<instruction_set::avx512vbmi2>;
using avx512bf16 = revlora::dispatch::on<instruction_set::avx512bf16>;
using amx = revlora::dispatch::on<instruction_set::amx>;
using neon = revlora::dispatch::on<instruction_set::neon>;

template <class Target>
struct arch_traits;

template <instruction_set set>
struct arch_traits<revlora::dispatch::on<set>> {
  static const char* name() { return revlora::dispatch::name_of(set); }
  static bool runs_here() { return revlora::dispatch::runs_here(set); }
};

}  // namespace tests
