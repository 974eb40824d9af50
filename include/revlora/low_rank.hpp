/// \file
/// LoRA: the update of a weight matrix by a product of two thin ones.
#pragma once

#include <concepts>
#include <cstddef>

#include "adapter.hpp"
#include "any_matrix.hpp"
#include "detail/namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// The update `strength · B · A` of a `d_out × d_in` weight, given by its factors.
///
/// B ("up", PEFT's `lora_B`) is `d_out × r`, A ("down", `lora_A`) is `r × d_in`. Any rank r ≥ 0.
class low_rank : public adapter {
 public:
  /// B and A are matrix_views, any_const_matrix, or what tells its shape and strides (mdspan-likes,
  /// Eigen's matrices and maps).
  ///
  /// `strength` is the factor in front of B·A, for PEFT `lora_alpha / r` times what the user asks
  /// for; a double is rounded once. Not an integer: `alpha / r` of two integers has lost its
  /// fraction, so divide by `double(r)`.
  low_rank(any_const_matrix b, any_const_matrix a, std::floating_point auto strength)
      : adapter(revlora::family::low_rank, {b, a}, static_cast<float>(strength)) {}
  /// Not of an integer.
  low_rank(any_const_matrix b, any_const_matrix a, std::integral auto strength) = delete;

  any_const_matrix b() const { return factor(0); }          ///< "up", d_out × r
  any_const_matrix a() const { return factor(1); }          ///< "down", r × d_in
  std::ptrdiff_t rank() const { return factor(1).rows(); }  ///< r

  /// As of any adapter.
  low_rank transposed() const { return low_rank(adapter::transposed()); }
  /// As of any adapter.
  low_rank row_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return low_rank(adapter::row_slice(first, count));
  }
  /// As of any adapter.
  low_rank column_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return low_rank(adapter::column_slice(first, count));
  }

 private:
  explicit low_rank(const adapter& made) : adapter(made) {}
};

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
