// The units that the kernels of an instruction set are compiled with. Which of them a table offers,
// and which of those is used, is told at run time.
#pragma once

#include <cstddef>
#include <type_traits>

#include "../../kernel_interface.hpp"
#include "../../namespace.hpp"
#include "../../panels.hpp"
#include "../simd.hpp"
#include "exact_products.hpp"
#include "fma.hpp"
#include "unit.hpp"
#if defined(__AVX512F__) && defined(__x86_64__)
#include "bf16_pairs.hpp"
#include "bf16_tiles.hpp"
#endif

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <class... Units>
struct unit_list {};

/// Those for fp32.
template <class Arch>
using vector_units = std::conditional_t<has_fused<Arch>, unit_list<fma_unit>,
                                        unit_list<fma_unit, exact_products_unit>>;

template <class Arch>
struct units_of {
  using type = vector_units<Arch>;
};
#if defined(__AVX512F__) && defined(__x86_64__)
template <class Arch>
requires std::is_base_of_v<xsimd::avx512f, Arch>
struct units_of<Arch> {
  using type = unit_list<fma_unit, bf16_pairs_unit, bf16_tiles_unit>;
};
#endif

/// What is multiplied for a block.
struct packed_block {
  packed_block(const kernel_interface::packed_product& product, std::ptrdiff_t panel,
               std::ptrdiff_t block)
      : up(product.up + panel * product.depth * block_rows),
        down(product.down + block * product.depth * block_cols),
        depth(product.depth) {}

  const float* up;
  const float* down;
  std::ptrdiff_t depth;
};

/// The units of a thread.
template <class Arch, class List = typename units_of<Arch>::type>
class thread_units;
template <class Arch, class... Units>
class thread_units<Arch, unit_list<Units...>> : Units... {
  static_assert((unit<Units, Arch> && ...));

 public:
  /// Hands the sums of a block to a visitor (unit.hpp).
  template <class Visit>
  [[gnu::always_inline]] void multiply(const kernel_interface::packed_product& product,
                                       std::ptrdiff_t panel, std::ptrdiff_t block,
                                       const Visit& visit) {
    const packed_block factors(product, panel, block);
    with(
        product.unit, [ factors, visit ](auto& unit) __attribute__((always_inline)) {
          unit.template multiply<Arch>(factors.up, factors.down, factors.depth, visit);
        });
  }

  /// Calls `use(unit)` with one of the units.
  template <class Use>
  [[gnu::always_inline]] void with(arithmetic chosen, const Use& use) {
    const auto use_if_chosen = [&]<class Unit>(Unit & unit) __attribute__((always_inline)) {
      if (chosen == Unit::kind) call_out_of_line(unit, use);
    };
    (use_if_chosen(static_cast<Units&>(*this)), ...);
  }

  /// For who takes long from one product to the next.
  void keep_awake() const {
    const auto keep = []<class Unit>(const Unit& used) {
      if constexpr (requires { used.keep_awake(); }) used.keep_awake();
    };
    (keep(static_cast<const Units&>(*this)), ...);
  }

 private:
  // With a copy of `use`, so that what it holds stays in registers.
  template <class Unit, class Use>
  [[gnu::noinline]] static void call_out_of_line(Unit& unit, Use use) {
    use(unit);
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
