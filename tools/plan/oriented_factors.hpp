// The factors of one module as the library takes them: two-dimensional, aligned, and seen so that
// B·A has the shape of the stored weight.
#pragma once

#include <optional>

#include "formats/peft_adapter.hpp"
#include "revlora/low_rank.hpp"
#include "safetensors/typed_view.hpp"

namespace revlora::tool {

/// How a module's update lies in the weight that the model stores.
struct orientation {
  std::ptrdiff_t rows;  ///< of the weight, as a matrix
  std::ptrdiff_t cols;
  bool transposed;  ///< the weight is stored `[in, out]`
};

/// How `factors` fit a base weight of this shape, or nothing if they do not. The flag
/// `fan_in_fan_out` decides only for square weights, which fit both ways.
std::optional<orientation> orient(const module_factors& factors, const tensor& weight,
                                  bool fan_in_fan_out);

/// Owns copies of the factors, as the library wants them.
class oriented_factors {
 public:
  /// `strength` is the whole factor in front of B·A.
  oriented_factors(const peft_adapter& adapter, const module_factors& factors,
                   const orientation& where, float strength);

  /// A view of this object.
  low_rank view() const;

 private:
  element_type type_;
  std::ptrdiff_t rank_;
  orientation where_;
  float strength_;
  std::vector<std::byte> b_;
  std::vector<std::byte> a_;
};

}  // namespace revlora::tool
