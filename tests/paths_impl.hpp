// Instantiates the library for one weight type on every instruction set; see paths_*.cpp.
#pragma once

#include "paths.hpp"

namespace tests {

template <class Arch>
struct arch_traits;

#if defined(__x86_64__)
template <>
struct arch_traits<xsimd::sse2> {
  static constexpr const char* name = "sse2";
  static bool runs_here() { return true; }
};
template <>
struct arch_traits<xsimd::fma3<xsimd::avx2>> {
  static constexpr const char* name = "avx2";
  static bool runs_here() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  }
};
template <>
struct arch_traits<xsimd::avx512bw> {
  static constexpr const char* name = "avx512bw";
  static bool runs_here() { return __builtin_cpu_supports("avx512bw"); }
};
#endif
#if XSIMD_WITH_NEON64
template <>
struct arch_traits<xsimd::neon64> {
  static constexpr const char* name = "neon64";
  static bool runs_here() { return true; }
};
#endif

template <class W, class Arch>
const path<W>& path_of() {
  using view = revlora::matrix_view<W>;
  using source = revlora::matrix_view<const W>;
  using list = revlora::adapter_list;
  using revlora::undo_record;
  static const path<W> verbs{
      .name = arch_traits<Arch>::name,
      .runs_here = arch_traits<Arch>::runs_here(),
      .merge = [](view w, list a, const runner& on) { return revlora::merge<Arch>(w, a, on); },
      .merge_recorded = [](view w, list a, undo_record& r,
                           const runner& on) { return revlora::merge<Arch>(w, a, r, on); },
      .subtract = [](view w, list a, const runner& on) { return revlora::unmerge<Arch>(w, a, on); },
      .restore = [](view w, list a, const undo_record& r,
                    const runner& on) { revlora::unmerge<Arch>(w, a, r, on); },
      .verify = [](source w, list a, const undo_record& r,
                   const runner& on) { revlora::verify<Arch>(w, a, r, on); },
      .swap = [](view w, list merged, list wanted, undo_record& r,
                 const runner& on) { return revlora::swap<Arch>(w, merged, wanted, r, on); },
      .merge_to = [](source x, view y, list a,
                     const runner& on) { return revlora::merge<Arch>(x, y, a, on); },
      .merge_recorded_to = [](source x, view y, list a, undo_record& r,
                              const runner& on) { return revlora::merge<Arch>(x, y, a, r, on); },
      .subtract_to = [](source y, view x, list a,
                        const runner& on) { return revlora::unmerge<Arch>(y, x, a, on); },
      .restore_to = [](source y, view x, list a, const undo_record& r,
                       const runner& on) { revlora::unmerge<Arch>(y, x, a, r, on); },
  };
  return verbs;
}

}  // namespace tests
