// The table of kernels for an architecture that the including file is compiled for.
#pragma once

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "bf16_units.hpp"
#include "checksum.hpp"
#include "combine.hpp"
#include "exchange_panel.hpp"
#include "maps/round_sum.hpp"
#include "pack.hpp"
#include "simd.hpp"

#if defined(__SSE2__) && !defined(__FMA__) && !defined(REVLORA_NO_FMA_NOTE)
#pragma message(                                                                                \
    "revlora: compiled without FMA instructions, this file will merge slowly. Compile it with " \
    "-march=native or the like, or link revlora::dispatch, which chooses at run time. "         \
    "(-DREVLORA_NO_FMA_NOTE silences this note.)")
#endif

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::kernel_table;

template <class Arch, map Map>
constexpr kernel_interface::weight_kernels kernels_for() {
  using T = typename Map::weight;
  return {combine_panel<Arch, Map>, exchange_panel<Arch, Map>, take_back_panel<Arch, Map>,
          checksums_of_panel<Arch, T>, pack_down<T>};
}

template <element T>
using usual_map = round_sum<T>;

/// `for_bf16` is how adapters of bf16 are summed where that is exact.
template <class Arch, arithmetic for_bf16, template <class> class Map = usual_map>
inline constexpr kernel_table kernels{
    {arithmetic::fused, has_fused<Arch> ? arithmetic::fused : arithmetic::exact_products, for_bf16},
    {kernels_for<Arch, Map<float>>(), kernels_for<Arch, Map<f16>>(),
     kernels_for<Arch, Map<bf16>>()},
    pack_up,
    absorb<Arch>};

/// How adapters of bf16 are summed by vectors alone.
template <class Arch>
inline constexpr arithmetic by_vectors =
    has_fused<Arch> ? arithmetic::fused : arithmetic::exact_products;

/// The kernels for an architecture and, where that has 512-bit vectors, for what the machine has
/// beside them.
template <class Arch>
const kernel_table& compiled_kernels() {
#ifdef REVLORA_MAY_HAVE_BF16_UNITS
  if constexpr (has_dot_pairs<Arch>) {
    static const kernel_table& best = has_bf16_tiles() ? kernels<Arch, arithmetic::bf16_tiles>
                                      : has_fast_bf16_pairs()
                                          ? kernels<Arch, arithmetic::bf16_pairs>
                                          : kernels<Arch, arithmetic::fused>;
    return best;
  }
#endif
  return kernels<Arch, by_vectors<Arch>>;
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
