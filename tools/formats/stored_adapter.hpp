// An adapter as all but its format knows it: what it changes in which module of a model, by which
// numbers, and where these lie on disk. Says nothing about any model: which tensor a module's name
// means, and how an update lies in it, is found out by the plan.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "formats/stored_matrix.hpp"

namespace revlora::tool {

/// What kind of layer a format says an update is of.
enum class layer_kind {
  linear,       ///< D is `[out, in]`; the weight is that or its transpose
  convolution,  ///< D is `[out, in, …]`, everything but the first dimension flattened into one
  embedding     ///< D is `[rows of the table, width]`
};

/// Rows of a weight, which is seen as `total` rows of its last dimension: those of one expert in a
/// stack of them, or of one of the weights that are fused in it.
struct row_range {
  std::uint64_t first = 0;
  std::uint64_t total = 0;

  bool operator==(const row_range&) const = default;
};

/// D = scale · B·A, of rank r.
struct low_rank_update {
  layer_kind kind = layer_kind::linear;
  std::vector<std::uint64_t> shape;  ///< of D: `[out, in]`, `[out, in, height, width]` …
  /// If D is of `shape[0]` rows of the weight only: which.
  std::optional<row_range> rows;
  stored_matrix b;  ///< `shape[0] × r`
  stored_matrix a;  ///< `r × the product of the rest of shape`
  /// Tucker's core of a convolution, `r × (q · the product of the kernel's extents)`; A is
  /// `q × in` then, and D[o, i, …] = scale · Σ_pq B[o, p] · core[p, q, …] · A[q, i].
  std::optional<stored_matrix> core;
  double scale = 1;
  /// What the format says of how the weight lies: true: `[in, out]`. It is only a hint.
  std::optional<bool> fan_in_fan_out;
};

/// As PEFT keeps the update of a stack of experts, `[experts, …, …]`: B is `out × (r · experts)`,
/// the column k · experts + e belongs to expert e; A is `(experts · r) × in`, the row e · r + k.
struct expert_stack_update {
  stored_matrix b;
  stored_matrix a;
  std::uint64_t experts = 1;
  double scale = 1;
  /// Names of the parameters that it may be of, within the module. More than one: the shapes have
  /// to tell. `depth` counts the wrappers around the one it was in: 0 is the outermost.
  std::vector<std::string> parameters;
  std::size_t depth = 0;
  /// As of low_rank_update: true: each expert's matrix lies `[in, out]`.
  std::optional<bool> fan_in_fan_out;
};

/// W ← W + scale · difference, of the tensor's own shape.
struct difference_update {
  std::vector<std::uint64_t> shape;
  stored_matrix values;  ///< `shape[0] × the product of the rest`
  double scale = 1;
};

/// The tensor is another one: what a trainer kept besides the factors.
struct replacement_update {
  std::vector<std::uint64_t> shape;
  stored_matrix values;
  /// Which rows of the tensor the rows of `values` replace; none: all, and the tensor may have had
  /// fewer of them, or not be in the model at all.
  std::optional<std::vector<std::uint64_t>> rows;
  /// It is what PEFT saves beside factors of the same tensor: likely as it is in the model already.
  bool is_likely_the_base = false;
};

using update_content =
    std::variant<low_rank_update, expert_stack_update, difference_update, replacement_update>;

/// How an adapter spells the names of a model's modules.
enum class module_spelling {
  dotted,      ///< as the model does
  underscored  ///< every dot is an underscore: to be compared forward, from the model's names
};

/// What an adapter changes in one tensor of the base.
struct adapter_update {
  std::string module;  ///< without prefixes of the format: "model.layers.0.self_attn.q_proj"
  std::string parameter = "weight";  ///< empty: `module` is the tensor's whole name
  module_spelling spelling = module_spelling::dotted;
  /// Of a pipeline of several models the one that it is of, if the format says so: "unet",
  /// "transformer", "text_encoder", "text_encoder_2" …; empty if it does not.
  std::string component = {};
  update_content content;
  /// The module as the adapter's file spells it, for messages: "lora_unet_mid_block_conv"; empty if
  /// that is `module`.
  std::string spelled = {};
};

/// Something that was trained, lies beside the adapter, and cannot be merged.
struct unused_part {
  std::string what;  ///< "'non_lora_trainables.bin'"
  std::string why;   ///< "trained tensors as a Python pickle"
};

struct stored_adapter {
  std::filesystem::path path;                ///< absolute: what messages and undo files call it
  std::string description;                   ///< of its format and kind: "PEFT LoRA"
  std::vector<adapter_update> updates = {};  ///< sorted by component, module and parameter
  std::vector<unused_part> unused = {};
  /// Why it cannot be merged, though it can be described; empty if it can.
  std::string refused = {};
  /// Facts that a person may want to see: "peft_type": "LORA", "base_model_name_or_path": …
  std::vector<std::pair<std::string, std::string>> facts = {};
  adapter_files files;  ///< what stored_matrix::file counts
  /// Of which kind the model has to be, by the name that GGUF files have for it: "llama"; empty if
  /// the format does not say.
  std::string architecture = {};

  /// Throws a problem if somebody wrote to its files, or put others in their place, since they were
  /// opened: an undo record of what was read then would be of no use.
  void check_unchanged() const { files.check_unchanged(); }
};

}  // namespace revlora::tool
