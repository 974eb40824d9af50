// What the border has to know of a family: how its factors are called, and which shapes they have.
//
// A family is a file in families/ here, which fills this in, and one of that name in
// kernels/families/, which makes D of it. All else is done alike for each.
#pragma once

#include <cstddef>

#include "../../adapter.hpp"
#include "../namespace.hpp"
#include "../plain.hpp"
#include "../refuse.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

struct family_rules {
  const char* factor_names[4];  ///< in the order of its factors
  std::size_t factor_count;
  /// Whether the factors fit one another, and make an update of `rows × cols`, or why not; each is
  /// a sound matrix. `name` is what to call the adapter.
  validation (*check_shapes)(const argument& name, const plain::adapter&, std::ptrdiff_t rows,
                             std::ptrdiff_t cols);
};

/// One product B·A of an adapter.
inline validation check_product(const argument& name, const plain::matrix& b,
                                const plain::matrix& a, std::ptrdiff_t rows, std::ptrdiff_t cols) {
  if (b.cols != a.rows)
    return refused({name, "'s factors disagree on the rank: B is ", shape{b.rows, b.cols},
                    ", A is ", shape{a.rows, a.cols}});
  if (b.rows != rows || a.cols != cols)
    return refused(
        {name, " is for a ", shape{b.rows, a.cols}, " weight, W is ", shape{rows, cols}});
  return {};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
