// Which way of several that give the same bits is taken, and why.
#pragma once

#include <algorithm>
#include <cstddef>
#if defined(__unix__)
#include <unistd.h>
#endif

#include "../../adapter.hpp"
#include "../../element.hpp"
#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::arithmetic;
using kernel_interface::kernel_table;

using kernel_interface::weight_map;

/// The map of weights of a type, by a recipe.
inline weight_map weight_map_of(element_type type, recipe chosen) {
  if (type == element_type::e4m3 && chosen == recipe::nan) return weight_map::e4m3_to_nan;
  return static_cast<weight_map>(type);
}

/// Fewer numbers than this are worked on faster than an OpenMP team is woken: 128×128 weights take
/// 5 µs without a record, 10 with one.
inline constexpr std::ptrdiff_t worth_a_team = std::ptrdiff_t{1} << 15;

/// The unit for factors of a type, if it turns out to be exact. A table has units for bf16 only
/// where they are faster than `fused`, and `exact_products` only where `fused` is imitated, which
/// takes a call for each number.
inline arithmetic preferred_unit(const kernel_table& kernels, element_type factors,
                                 std::ptrdiff_t rank) {
  const auto has = [&](arithmetic unit) {
    return kernels.units[static_cast<int>(unit)].pack_up != nullptr;
  };
  if (rank == 0) return arithmetic::fused;  // nothing to be multiplied
  if (factors == element_type::bf16)
    for (const arithmetic unit : {arithmetic::bf16_tiles, arithmetic::bf16_pairs})
      if (has(unit)) return unit;
  if (size_of(factors) <= 2 && has(arithmetic::exact_products)) return arithmetic::exact_products;
  return arithmetic::fused;
}

/// In bytes; 1 MiB where the system does not tell.
inline std::ptrdiff_t second_level_cache() {
#if defined(_SC_LEVEL2_CACHE_SIZE)
  static const long found = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (found > 0) return found;
#endif
  return std::ptrdiff_t{1} << 20;
}

/// So many columns of blocks that A's part fills half of the second-level cache and stays there
/// from panel to panel. At rank 128 in fp32, all of A streamed from memory for each panel took
/// twice the time; a part that fills all of the cache (1 MiB, Zen 5) takes 1.07 times, a
/// quarter 1.03.
inline std::ptrdiff_t blocks_at_once(const kernel_interface::delta& list) {
  std::ptrdiff_t steps = 0;
  for (std::size_t i = 0; i < list.count; ++i)
    for (const auto& product : list.adapters[i].products) steps += product.depth;
  const auto bytes =
      std::max<std::ptrdiff_t>(1, steps * block_cols * static_cast<std::ptrdiff_t>(sizeof(float)));
  return std::max<std::ptrdiff_t>(1, second_level_cache() / 2 / bytes);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
