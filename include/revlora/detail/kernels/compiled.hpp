// The table of kernels for an architecture that the including file is compiled for.
#pragma once

#include <type_traits>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "checksum.hpp"
#include "combine.hpp"
#include "exchange_kernel.hpp"
#include "maps/round_sum.hpp"
#include "pack.hpp"
#include "simd.hpp"
#include "units/units.hpp"

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

/// What a call needs kernels for. Those that it does not need are not compiled for it.
struct kernel_needs {
  bool plain;     ///< verbs without a record
  bool recorded;  ///< verbs with one
};
inline constexpr kernel_needs all_verbs{true, true};

template <class Arch, map Map, kernel_needs needs>
constexpr kernel_interface::weight_kernels weight_kernels_for() {
  using T = typename Map::weight;
  kernel_interface::weight_kernels kernels{};
  if constexpr (needs.plain) kernels.combine = combine_kernel<Arch, Map>;
  if constexpr (needs.recorded) {
    kernels.exchange = exchange_kernel<Arch, Map>;
    kernels.take_back = take_back_kernel<Arch, Map>;
    kernels.checksums = checksums_kernel<Arch, T>;
  }
  kernels.splits_columns = splits_columns<T>;
  return kernels;
}

template <class... Maps>
struct map_list {};
/// Those for weights of a type.
template <element T>
struct maps_of_type {
  using list = map_list<round_sum<T>>;
};
template <>
struct maps_of_type<e4m3> {
  using list = map_list<round_sum<e4m3>, round_sum<e4m3, overflow::to_nan>>;
};
template <element T>
using maps_of = typename maps_of_type<T>::list;
/// Those for all weights.
using all_maps = map_list<round_sum<float>, round_sum<f16>, round_sum<bf16>, round_sum<e4m3>,
                          round_sum<e5m2>, round_sum<e4m3, overflow::to_nan>>;

template <class Arch, kernel_needs needs, class... Units, class... Maps>
constexpr kernel_table make_table(unit_list<Units...>, map_list<Maps...>) {
  kernel_table table{{}, {}, absorb<Arch>};
  ((table.units[static_cast<int>(Units::kind)] = {steps_of<Units>, Units::is_exact, pack_up<Units>,
                                                  pack_down<Units>}),
   ...);
  ((table.of[static_cast<int>(Maps::kind)] = weight_kernels_for<Arch, Maps, needs>()), ...);
  return table;
}

/// `Units` are those that the machine has, `Maps` those that a file needs.
template <class Arch, class Units = vector_units<Arch>, class Maps = all_maps,
          kernel_needs needs = all_verbs>
inline constexpr kernel_table kernels = make_table<Arch, needs>(Units{}, Maps{});

/// The kernels for an architecture and, where that has 512-bit vectors, for what the machine has
/// beside them.
template <class Arch, class Maps, kernel_needs needs>
const kernel_table& compiled_kernels() {
#if defined(__AVX512F__) && defined(__x86_64__)
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    static const kernel_table& best =
        has_bf16_tiles()        ? kernels<Arch, unit_list<fma_unit, bf16_tiles_unit>, Maps, needs>
        : has_fast_bf16_pairs() ? kernels<Arch, unit_list<fma_unit, bf16_pairs_unit>, Maps, needs>
                                : kernels<Arch, vector_units<Arch>, Maps, needs>;
    return best;
  }
#endif
  return kernels<Arch, vector_units<Arch>, Maps, needs>;
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
