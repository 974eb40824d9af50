// A PEFT adapter folder: the configuration and the factors of every adapted module.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "files/folder.hpp"
#include "formats/peft_config.hpp"
#include "safetensors/safetensors_file.hpp"

namespace revlora::tool {

/// Where in the model the product of two factors goes.
enum class layer_kind {
  linear,       ///< B·A is the update of a `[out, in]` weight, or of its transpose
  convolution,  ///< the same after all but the first dimension are flattened into one
  embedding     ///< (B·A)ᵀ is the update
};

/// The factors of one module, as they lie in the file.
struct module_factors {
  std::string module;  ///< its name in the base model
  layer_kind kind;
  const tensor* a;  ///< `[r, in]`, `[r, in, height, width]` or, of an embedding, `[r, count]`
  const tensor* b;  ///< `[out, r]`, `[out, r, 1, 1]` or `[size, r]`
  double scale;     ///< from the configuration

  std::uint64_t rank() const { return a->shape[0]; }
};

/// The modules in the order of their names, with pointers into `tensors`. Refuses tensors that are
/// no factors, factors without a partner, and those that contradict the configuration; problems
/// begin with `source`.
std::vector<module_factors> pair_factors(std::span<const tensor> tensors, const peft_config& config,
                                         const std::string& source);

class peft_adapter {
 public:
  /// Loads a folder; refuses what revlora cannot merge, with the reason.
  explicit peft_adapter(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return home_.path(); }
  const peft_config& config() const { return config_; }
  const std::vector<module_factors>& modules() const { return modules_; }
  std::vector<std::byte> bytes_of(const tensor& factor) const { return file_.bytes_of(factor); }

  /// Throws a problem if somebody wrote to its files, or put others in their place, since they were
  /// opened: an undo record of what was read then would be of no use.
  void check_unchanged() const;

 private:
  tool::folder home_;
  file config_file_;
  peft_config config_;
  safetensors_file file_;
  std::vector<module_factors> modules_;
};

}  // namespace revlora::tool
