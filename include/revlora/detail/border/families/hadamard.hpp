// The border's part of hadamard.
#pragma once

#include "../../namespace.hpp"
#include "../family.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline constexpr family_rules hadamard_rules{
    {"first B", "first A", "second B", "second A"},
    4,
    [](const argument& name, const plain::adapter& adapter, std::ptrdiff_t rows,
       std::ptrdiff_t cols) {
      const auto& [b1, a1, b2, a2] = adapter.factors;
      validation found = check_product(name.part_called("first product"), b1, a1, rows, cols);
      return found ? check_product(name.part_called("second product"), b2, a2, rows, cols) : found;
    }};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
