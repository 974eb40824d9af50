// An adapter as all but its format knows it: which modules it updates, by which factors, and where
// these lie on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "files/folder.hpp"
#include "revlora/element.hpp"

namespace revlora::tool {

/// A factor as it lies in stored_adapter::content.
struct stored_factor {
  element_type type;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin;  ///< in bytes
  std::uint64_t end;
};

/// B·A: `[out, r]` and `[r, in]`, of one type; of a convolution `[out, r, 1, …]` and
/// `[r, in, height, width]` or the like.
struct low_rank_factors {
  stored_factor b;
  stored_factor a;

  std::uint64_t rank() const { return a.shape[0]; }
};

/// Where in the model the product of the factors goes.
enum class layer_kind {
  linear,       ///< it is the update of a `[out, in]` weight, or of its transpose
  convolution,  ///< the same after all but the first dimension are flattened into one
  embedding     ///< its transpose is the update
};

/// The update of one module's weight.
struct adapter_update {
  std::string module;  ///< its name in the base model
  layer_kind kind;
  bool fan_in_fan_out;                     ///< a square weight is stored `[in, out]`
  std::variant<low_rank_factors> factors;  ///< an alternative for each family
  double scale;                            ///< in front of their product
};

struct stored_adapter {
  std::filesystem::path path;           ///< absolute: what messages and undo files call it
  std::string description;              ///< of its format and kind: "PEFT LoRA"
  std::vector<adapter_update> updates;  ///< in the order of the modules' names, each once
  folder home;                          ///< of its files
  file content;                         ///< has the factors
  std::vector<file> others;             ///< that were read besides

  std::vector<std::byte> bytes_of(const stored_factor& factor) const;

  /// Throws a problem if somebody wrote to its files, or put others in their place, since they were
  /// opened: an undo record of what was read then would be of no use.
  void check_unchanged() const;
};

}  // namespace revlora::tool
