// A PEFT adapter folder: the configuration and the factors of every adapted module.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "peft_config.hpp"
#include "safetensors.hpp"

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

class peft_adapter {
 public:
  /// Loads a folder; refuses what revlora cannot merge, with the reason.
  explicit peft_adapter(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  const peft_config& config() const { return config_; }
  const std::vector<module_factors>& modules() const { return modules_; }
  std::span<std::byte> bytes_of(const tensor& factor) const { return file_.bytes_of(factor); }

 private:
  std::filesystem::path folder_;
  peft_config config_;
  safetensors_file file_;
  std::vector<module_factors> modules_;
};

}  // namespace revlora::tool
