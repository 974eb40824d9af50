// What multiplies packed factors: the concept of a unit, and what units have in common.
//
// A unit is an object that a thread multiplies with. It hands the sums of a 16×64 block, B·A, to a
// visitor, in registers:
//
//   visit(row, left, sums)    the sums of columns left, left + 1, … of a row, an array of vectors
//
// Every element is summed in the order of the contract, which is the order of matrix hardware: the
// ranks in blocks of 32, in each block one chain over the even positions and one over the odd, and
// the blocks' sums added up. Left open is only the sign of a sum that is zero.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "../../kernel_interface.hpp"
#include "../../namespace.hpp"
#include "../../panels.hpp"
#include "../simd.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

using kernel_interface::arithmetic;
using kernel_interface::magnitudes;

/// Steps that are packed together, and the ranks in them.
struct step_group {
  int ranks, steps;
};

/// Stands for any visitor.
struct any_visitor {
  void operator()(int, int, const auto&) const {}
};

template <class Unit, class Arch>
concept unit = requires(Unit& of_thread, std::ptrdiff_t rank, magnitudes extremes,
                        const float* packed, any_visitor visit) {
  { Unit::kind } -> std::convertible_to<arithmetic>;
  { Unit::template takes<bf16> } -> std::convertible_to<bool>;   // factors of a type
  { Unit::is_exact(extremes, extremes) } -> std::same_as<bool>;  // of B and of A
  { Unit::group_of(rank) } -> std::same_as<step_group>;
  { Unit::broadcasts_up } -> std::convertible_to<bool>;  // the rows of B, step by step
  of_thread.template multiply<Arch>(packed, packed, rank, visit);
};

/// The steps of 32-bit numbers that a rank takes.
template <class Unit>
std::ptrdiff_t steps_of(std::ptrdiff_t rank) {
  if (rank == 0) return 0;
  const step_group group = Unit::group_of(rank);
  return (rank + group.ranks - 1) / group.ranks * group.steps;
}

/// The exponent of a magnitude.
constexpr int exponent_of(std::uint32_t magnitude) {
  return static_cast<int>(magnitude >> 23) - 127;
}

/// Whether neither a factor nor any sum on the way is a subnormal number: no element of a factor is
/// one, and the smallest exponents of the two add up to at least −112. Then every partial sum is a
/// multiple of 2⁻¹²⁶. The bound is tight.
constexpr bool stay_normal(const magnitudes& b, const magnitudes& a) {
  if (b.largest == 0 || a.largest == 0) return true;  // all products are zero
  const int in_b = exponent_of(b.smallest), in_a = exponent_of(a.smallest);
  return in_b > -127 && in_a > -127 && in_b + in_a >= -112;
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
