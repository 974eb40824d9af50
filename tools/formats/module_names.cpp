#include "formats/module_names.hpp"

#include <algorithm>
#include <array>

namespace revlora::tool {

namespace {

struct known_prefix {
  std::string_view text;
  std::string_view component;
};

// Behind these every dot of the module's name is an underscore. Longer ones come before those that
// they begin with.
constexpr std::array underscored_prefixes = {
    known_prefix{"lora_unet__", "unet"},  // Wan's Fun models, of VideoX-Fun
    known_prefix{"lora_unet_", "unet"},   // kohya, also of transformers: FLUX, SD3, Wan
    known_prefix{"lora_transformer_", "transformer"},  // OneTrainer
    known_prefix{"lora_prior_unet_", "prior"},         // OneTrainer, kohya: Stable Cascade
    known_prefix{"lora_prior_te_", "text_encoder"},
    known_prefix{"lora_te1_", "text_encoder"},  // kohya of SDXL and later
    known_prefix{"lora_te2_", "text_encoder_2"},
    known_prefix{"lora_te3_", "text_encoder_3"},  // SD3, FLUX
    known_prefix{"lora_te4_", "text_encoder_4"},  // OneTrainer: HiDream
    known_prefix{"lora_te_", "text_encoder"},     // kohya of SD 1 and 2
    known_prefix{"lycoris_", ""},                 // LyCORIS, SimpleTuner: of whatever was wrapped
};

constexpr std::array dotted_prefixes = {
    known_prefix{"model.diffusion_model.", "unet"},  // as single files of checkpoints spell it
    known_prefix{"diffusion_model.", "unet"},        // ComfyUI, ai-toolkit: UNet or transformer
    known_prefix{"unet.", "unet"},                   // diffusers, as what follows
    known_prefix{"transformer.", "transformer"},
    known_prefix{"transformer_2.", "transformer_2"},
    known_prefix{"text_encoder.", "text_encoder"},
    known_prefix{"text_encoder_2.", "text_encoder_2"},
    known_prefix{"text_encoder_3.", "text_encoder_3"},
    known_prefix{"text_encoder_4.", "text_encoder_4"},
    known_prefix{"prior.", "prior"},
    known_prefix{"controlnet.", "controlnet"},
    known_prefix{"pipe.dit.", "transformer"},  // DiffSynth-Studio
    known_prefix{"lora_unet.", "unet"},        // kohya's prefixes before dotted names
    known_prefix{"lora_transformer.", "transformer"},
    known_prefix{"lora_te.", "text_encoder"},
    known_prefix{"lora_te1.", "text_encoder"},
    known_prefix{"lora_te2.", "text_encoder_2"},
};

/// Language models that are called "transformer" themselves: GPT-2 and its kind, ChatGLM.
bool is_language_model(std::string_view stem) {
  constexpr std::array<std::string_view, 5> begins = {
      "transformer.h.", "transformer.wte", "transformer.wpe", "transformer.encoder.layers.",
      "transformer.word_embeddings"};
  return std::ranges::any_of(begins, [&](auto begin) { return stem.starts_with(begin); });
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

void replace_end(std::string& text, std::string_view what, std::string_view by) {
  if (text.ends_with(what)) text.replace(text.size() - what.size(), what.size(), by);
}

/// What attention processors called `to_q` is `q_proj` in a text encoder, and `to_out` is the first
/// of two modules in a UNet.
void name_projections(std::string& module, bool is_text_encoder) {
  if (!is_text_encoder) return replace_end(module, ".to_out", ".to_out.0");
  replace_end(module, ".to_q", ".q_proj");
  replace_end(module, ".to_k", ".k_proj");
  replace_end(module, ".to_v", ".v_proj");
  replace_end(module, ".to_out", ".out_proj");
}

module_name underscored_name(std::string_view stem, const known_prefix& prefix) {
  module_name name{std::string(stem.substr(prefix.text.size())), module_spelling::underscored,
                   std::string(prefix.component)};
  replace_all(name.module, ".", "_");
  return name;
}

}  // namespace

bool is_underscored(std::string_view stem) {
  return std::ranges::any_of(underscored_prefixes,
                             [&](auto& prefix) { return stem.starts_with(prefix.text); });
}

module_name module_of(const factor_name& factor) {
  std::string_view stem = factor.stem;
  for (const known_prefix& prefix : underscored_prefixes) {
    if (stem.starts_with(prefix.text) && stem.size() > prefix.text.size()) {
      return underscored_name(stem, prefix);
    }
  }
  module_name name;
  for (const known_prefix& prefix : dotted_prefixes) {
    if (!stem.starts_with(prefix.text) || is_language_model(stem)) continue;
    name.component = prefix.component;
    stem.remove_prefix(prefix.text.size());
    break;
  }
  constexpr std::string_view of_peft = "base_model.model.";
  if (stem.starts_with(of_peft)) stem.remove_prefix(of_peft.size());
  name.module = stem;
  replace_all(name.module, ".processor.", ".");
  if (factor.is_of_attention_processor) {
    const bool is_text_encoder = name.component.starts_with("text_encoder") ||
                                 name.module.find("text_model.") != std::string::npos;
    name_projections(name.module, is_text_encoder);
  }
  return name;
}

}  // namespace revlora::tool
