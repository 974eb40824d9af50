#include "formats/factor_names.hpp"

#include <array>
#include <charconv>

namespace revlora::tool {

namespace {

struct known_end {
  std::string_view text;
  factor_role role;
};

constexpr std::array known_ends = {
    // kohya's sd-scripts, ComfyUI, A1111, OneTrainer, LyCORIS
    known_end{".lora_down.weight", factor_role::down},
    known_end{".lora_up.weight", factor_role::up},
    known_end{".lora_mid.weight", factor_role::middle},
    known_end{".alpha", factor_role::alpha},
    known_end{".scale", factor_role::scale},
    known_end{".diff", factor_role::difference},
    known_end{".diff_b", factor_role::bias_difference},
    known_end{".w_norm", factor_role::difference},
    known_end{".b_norm", factor_role::bias_difference},
    known_end{".set_weight", factor_role::replacement},
    // PEFT and what is built on it
    known_end{".lora_A.weight", factor_role::down},
    known_end{".lora_B.weight", factor_role::up},
    known_end{".lora_B.bias", factor_role::up_bias_difference},
    // Mochi, LitGPT: parameters of the layer itself
    known_end{".lora_A", factor_role::down},
    known_end{".lora_B", factor_role::up},
    // diffusers before it used PEFT: of a UNet, of text encoders
    known_end{".lora.down.weight", factor_role::down},
    known_end{".lora.up.weight", factor_role::up},
    known_end{".lora_linear_layer.down.weight", factor_role::down},
    known_end{".lora_linear_layer.up.weight", factor_role::up},
    // torchtune
    known_end{".lora_a.weight", factor_role::down},
    known_end{".lora_b.weight", factor_role::up},
};

constexpr std::array attention_processor_ends = {
    known_end{"_lora.down.weight", factor_role::down},
    known_end{"_lora.up.weight", factor_role::up},
};

struct unmergeable_end {
  std::string_view text;
  std::string_view reason;
  bool tells_an_adapter = true;
};

constexpr std::string_view dora = "DoRA, which rescales the merged weights";
constexpr std::string_view loha = "LoHa, a product of two low-rank matrices element by element";
constexpr std::string_view lokr = "LoKr, a Kronecker product";
constexpr std::string_view glora = "GLoRA, whose update depends on the weights themselves";
constexpr std::string_view oft = "OFT or BOFT, which turns the weights instead of adding to them";
constexpr std::string_view ia3 = "(IA)³, which scales the weights instead of adding to them";

constexpr std::array unmergeable_ends = {
    unmergeable_end{".dora_scale", dora},
    unmergeable_end{".lora_magnitude_vector", dora},
    unmergeable_end{".lora_magnitude_vector.weight", dora},
    unmergeable_end{".magnitude", dora, false},
    unmergeable_end{".hada_w1_a", loha},
    unmergeable_end{".hada_w1_b", loha},
    unmergeable_end{".hada_w2_a", loha},
    unmergeable_end{".hada_w2_b", loha},
    unmergeable_end{".hada_t1", loha},
    unmergeable_end{".hada_t2", loha},
    unmergeable_end{".lokr_w1", lokr},
    unmergeable_end{".lokr_w1_a", lokr},
    unmergeable_end{".lokr_w1_b", lokr},
    unmergeable_end{".lokr_w2", lokr},
    unmergeable_end{".lokr_w2_a", lokr},
    unmergeable_end{".lokr_w2_b", lokr},
    unmergeable_end{".lokr_t1", lokr},
    unmergeable_end{".lokr_t2", lokr},
    unmergeable_end{".a1.weight", glora, false},
    unmergeable_end{".a2.weight", glora, false},
    unmergeable_end{".b1.weight", glora, false},
    unmergeable_end{".b2.weight", glora, false},
    unmergeable_end{".bm.weight", glora, false},
    unmergeable_end{".oft_blocks", oft},
    unmergeable_end{".oft_diag", oft},
    unmergeable_end{".on_input", ia3},
    unmergeable_end{".reshape_weight", "a new shape for the weight"},
};

/// Takes `end` off; false if the name does not end in it, or has nothing before it.
bool take_end(std::string_view& name, std::string_view end) {
  if (!name.ends_with(end) || name.size() == end.size()) return false;
  name.remove_suffix(end.size());
  return true;
}

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  return number;
}

/// `….lora_down.2.weight`, as kohya's networks of FLUX and SD3 have a pair for each part of a fused
/// weight, and `….lora_A.default.weight`, with the name that PEFT gave the adapter in memory.
std::optional<factor_name> name_with_infix(std::string_view name) {
  if (!take_end(name, ".weight")) return {};
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view infix = name.substr(dot + 1);
  name = name.substr(0, dot);
  const auto part = number_of(infix);
  for (const known_end& each :
       {known_end{".lora_down", factor_role::down}, known_end{".lora_up", factor_role::up}}) {
    if (part && take_end(name, each.text)) {
      return factor_name{.stem = std::string(name), .role = each.role, .part = part};
    }
  }
  for (const known_end& each :
       {known_end{".lora_A", factor_role::down}, known_end{".lora_B", factor_role::up}}) {
    if (!infix.empty() && take_end(name, each.text)) {
      return factor_name{.stem = std::string(name), .role = each.role};
    }
  }
  return {};
}

}  // namespace

std::optional<factor_name> factor_name_of(std::string_view tensor) {
  for (const known_end& each : known_ends) {
    if (!take_end(tensor, each.text)) continue;
    const bool is_of_models_too =
        each.role == factor_role::alpha || each.role == factor_role::scale;
    return factor_name{
        .stem = std::string(tensor), .role = each.role, .tells_an_adapter = !is_of_models_too};
  }
  for (const known_end& each : attention_processor_ends) {
    if (!take_end(tensor, each.text)) continue;
    return factor_name{
        .stem = std::string(tensor), .role = each.role, .is_of_attention_processor = true};
  }
  for (const unmergeable_end& each : unmergeable_ends) {
    if (!take_end(tensor, each.text)) continue;
    return factor_name{.stem = std::string(tensor),
                       .role = factor_role::not_mergeable,
                       .reason = each.reason,
                       .tells_an_adapter = each.tells_an_adapter};
  }
  return name_with_infix(tensor);
}

}  // namespace revlora::tool
