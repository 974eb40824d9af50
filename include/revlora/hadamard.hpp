/// \file
/// LoHa: the update of a weight matrix by the elementwise product of two of low rank.
#pragma once

#include <concepts>
#include <cstddef>

#include "adapter.hpp"
#include "any_matrix.hpp"
#include "detail/namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// The update `strength · (B₁·A₁)∘(B₂·A₂)` of a `d_out × d_in` weight, where ∘ multiplies element
/// by element: LoHa (Hyeon-Woo et al., "FedPara", 2022), of rank up to r².
///
/// Each B is `d_out × r`, each A `r × d_in`; the two ranks may differ. In PEFT and LyCORIS B₁ is
/// `hada_w1_a`, A₁ `hada_w1_b`, B₂ `hada_w2_a`, A₂ `hada_w2_b`, and the strength `alpha / r`.
class hadamard : public adapter {
 public:
  /// One of the two products.
  struct product {
    any_const_matrix b;  ///< d_out × r
    any_const_matrix a;  ///< r × d_in
  };

  /// `strength` is the factor in front of it all, and no integer: see low_rank.
  hadamard(const product& first, const product& second, std::floating_point auto strength)
      : adapter(revlora::family::hadamard, {first.b, first.a, second.b, second.a},
                static_cast<float>(strength)) {}
  /// Not of an integer.
  hadamard(const product& first, const product& second, std::integral auto strength) = delete;

  product first() const { return {factor(0), factor(1)}; }   ///< B₁ and A₁
  product second() const { return {factor(2), factor(3)}; }  ///< B₂ and A₂

  /// As of any adapter.
  hadamard transposed() const { return hadamard(adapter::transposed()); }
  /// As of any adapter.
  hadamard row_slice(std::ptrdiff_t first_row, std::ptrdiff_t count) const {
    return hadamard(adapter::row_slice(first_row, count));
  }
  /// As of any adapter.
  hadamard column_slice(std::ptrdiff_t first_column, std::ptrdiff_t count) const {
    return hadamard(adapter::column_slice(first_column, count));
  }

 private:
  explicit hadamard(const adapter& made) : adapter(made) {}
};

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
