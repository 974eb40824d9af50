// How the term of an adapter is added to D, whatever it is made of.
#pragma once

#include <cstddef>

#include "../../kernel_interface.hpp"
#include "../../namespace.hpp"
#include "../../panels.hpp"
#include "../simd.hpp"
#include "../units/units.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Which block of the weights is meant.
struct block_place {
  std::ptrdiff_t panel, block;
};

/// fma(strength, term, D), from +0 on for the first adapter of a list.
template <class Arch>
class term_addition {
 public:
  term_addition(float strength, bool is_first) : strength_(strength), is_first_(is_first) {}

  /// `before` is where D is, if the adapter is not the first.
  [[gnu::always_inline]] floats<Arch> operator()(floats<Arch> term, const float* before) const {
    if (is_first_) return first(term);
    // A term that is zero is +0 by the contract, which a D of −0 shows.
    return fused(floats<Arch>(strength_), term + floats<Arch>(0.0f),
                 floats<Arch>::load_aligned(before));
  }

 private:
  /// Where the processor has no fused multiply-add: what the addend +0 changes is only the sign of
  /// an exact product of zero.
  floats<Arch> first(floats<Arch> term) const {
    const floats<Arch> strength(strength_), zero(0.0f);
    if constexpr (has_fused<Arch>) {
      return fused(strength, term, zero);
    } else {
      const floats<Arch> product = strength * term;
      const word_mask<Arch> is_zero =
          to_word_mask<Arch>(product == zero) &
          (to_word_mask<Arch>(term == zero) | to_word_mask<Arch>(strength == zero));
      return as_floats<Arch>(choose<Arch>(is_zero, words<Arch>(0u), as_words<Arch>(product)));
    }
  }

  float strength_;  // not a vector, so that visitors are small: they are copied for each block
  bool is_first_;
};

/// Adds the sums of a product to the deltas of a block.
template <class Arch>
struct adds_to_block {
  term_addition<Arch> add;
  float* values;

  template <int count>
  [[gnu::always_inline]] void operator()(int row, int left,
                                         const floats<Arch> (&sums)[count]) const {
    float* const to = values + row * block_cols + left;
#pragma GCC unroll 8
    for (int j = 0; j < count; ++j)
      add(sums[j], to + j * lanes<Arch>).store_aligned(to + j * lanes<Arch>);
  }
};

/// values ← fma(strength, B·A, values), or from +0 on.
template <class Arch>
void add_product(const kernel_interface::packed_product& product, float strength,
                 const block_place& at, bool is_first, float* values, thread_units<Arch>& units) {
  units.multiply(product, at.panel, at.block, adds_to_block<Arch>{{strength, is_first}, values});
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
