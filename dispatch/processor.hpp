// What an x86-64 processor and its operating system let run: exactly what the sources beside
// this are compiled for, see CMakeLists.txt.
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>

namespace revlora::dispatch {

/// Clang 14 cannot be asked for these by name. LZCNT matters: where it is not there it is BSR,
/// which counts otherwise.
inline bool has_f16c_and_lzcnt() {
  constexpr unsigned f16c = 1u << 29, lzcnt = 1u << 5;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & f16c) == 0) return false;
  return __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & lzcnt) != 0;
}

inline bool has_avx2() {
  static const bool answer = [] {
    __builtin_cpu_init();  // in case the constructor of a global asks
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt") && has_f16c_and_lzcnt();
  }();
  return answer;
}

inline bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

inline bool has_avx512vbmi2() {
  return has_avx512() && __builtin_cpu_supports("avx512vbmi2");
}

inline bool has_avx512bf16() {
  return has_avx512vbmi2() && __builtin_cpu_supports("avx512bf16");
}

}  // namespace revlora::dispatch
#endif
