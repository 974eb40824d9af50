// The unit that may be used always: a fused multiply-add for each product, by the processor or
// imitated.
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

struct fma_unit : widened_steps {
  static constexpr arithmetic kind = arithmetic::fused;

  static bool is_exact(magnitudes, magnitudes) { return true; }

  template <class Arch>
  static floats<Arch> advance(floats<Arch> b, floats<Arch> a, floats<Arch> chain) {
    return fused(b, a, chain);
  }

  template <class Arch, class Visit>
  [[gnu::always_inline]] void multiply(const float* up, const float* down, std::ptrdiff_t depth,
                                       const Visit& visit) const {
    multiply_by_chains<Arch, fma_unit>(up, down, depth, visit);
  }
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
