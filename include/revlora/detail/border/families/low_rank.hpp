// The border's part of low_rank.
#pragma once

#include "../../namespace.hpp"
#include "../family.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline constexpr family_rules low_rank_rules{
    {"B", "A"},
    2,
    [](const argument& name, const plain::adapter& adapter, std::ptrdiff_t rows,
       std::ptrdiff_t cols) {
      return check_product(name, adapter.factors[0], adapter.factors[1], rows, cols);
    },
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
