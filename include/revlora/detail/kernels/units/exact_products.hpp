// For processors without fused multiply-add, where it is imitated by a call for each number:
// products of elements of 16 bits or fewer fit fp32, so that multiplying and then adding gives the
// bits of the fused operation.
#pragma once

#include <cstddef>

#include "../../namespace.hpp"
#include "../simd.hpp"
#include "chains.hpp"
#include "unit.hpp"
#include "widened_steps.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

struct exact_products_unit : widened_steps {
  static constexpr arithmetic kind = arithmetic::exact_products;

  template <element T>
  static constexpr bool takes = sizeof(T) <= 2;

  /// Unless a product is subnormal, or overflows.
  static bool is_exact(magnitudes b, magnitudes a) {
    return stay_normal(b, a) && exponent_of(b.largest) + exponent_of(a.largest) + 2 <= 127;
  }

  template <class Arch>
  static floats<Arch> advance(floats<Arch> b, floats<Arch> a, floats<Arch> chain) {
    return b * a + chain;
  }

  template <class Arch, class Visit>
  [[gnu::always_inline]] void multiply(const float* up, const float* down, std::ptrdiff_t depth,
                                       const Visit& visit) const {
    multiply_by_chains<Arch, exact_products_unit>(up, down, depth, visit);
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
