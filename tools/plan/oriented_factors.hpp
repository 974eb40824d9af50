// The factors of one update as the library takes them: two-dimensional, aligned, and seen so that
// their product has the shape of the stored weight. What the program knows of families is here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/stored_adapter.hpp"
#include "revlora/adapter.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// How an update lies in the weight that the model stores.
struct orientation {
  std::ptrdiff_t rows;  ///< of the weight, as a matrix
  std::ptrdiff_t cols;
  bool transposed;  ///< the weight is stored `[in, out]`
};

/// How an update fits a base weight of this shape, or nothing if it does not. The flag
/// `fan_in_fan_out` decides only for square weights, which fit both ways.
std::optional<orientation> orient(const adapter_update& update, const tensor& weight);

/// "rank 8, A [8, 4096] and B [4096, 8] in bf16"
std::string describe_factors(const adapter_update& update);

struct oriented_factors {
  std::vector<std::vector<std::byte>> bytes;  ///< copies of the factors
  adapter view;                               ///< of these
};

/// Reads the factors of an update of `from`. `strength` is the whole factor in front of their
/// product.
oriented_factors load_factors(const stored_adapter& from, const adapter_update& update,
                              const orientation& where, float strength);

}  // namespace revlora::tool
