// The names of tensors in PEFT's files: of which module each is, and what of it.
#pragma once

#include <cstddef>
#include <string>

namespace revlora::tool {

enum class peft_part {
  a,            ///< `<module>.lora_A.weight`
  b,            ///< `<module>.lora_B.weight`
  b_bias,       ///< `<module>.lora_B.bias`
  embedding_a,  ///< `<module>.lora_embedding_A`
  embedding_b,  ///< `<module>.lora_embedding_B`
  tokens,       ///< `<module>.token_adapter.trainable_tokens_delta`: rows of an embedding
  tensor,       ///< `<module>.<parameter>`: a tensor of the model itself
  saved,        ///< `<module>.modules_to_save.<parameter>`: a copy that may lie beside a `tensor`
  magnitude,    ///< `<module>.lora_magnitude_vector`: of DoRA
  needless,     ///< of use in training only
  unknown       ///< another `<module>.lora_…`
};

struct peft_name {
  std::string module;  ///< without prefixes and wrappers of PEFT and of torch
  std::string
      parameter;  ///< only of `tensor` and `saved`; empty if the model's name has one part only
  peft_part part = peft_part::unknown;
  /// How many PEFT layers were wrapped around the one of a factor: parts `.base_layer` at the end.
  std::size_t depth = 0;
  /// The tensor, or the module with the factors, was inside a wrapper: had `.base_layer` in it.
  bool is_wrapped = false;
};

/// Accepts the adapter's own name behind the part that says what a tensor is, as files saved by
/// hand have it. Throws a problem, beginning with `source`, if a name cannot be one of PEFT's.
peft_name parse_peft_name(const std::string& name, const std::string& source);

}  // namespace revlora::tool
