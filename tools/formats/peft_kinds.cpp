#include "formats/peft_kinds.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

struct kind {
  std::string name;
  std::string reason;  ///< why it cannot be merged; empty if it can
};

const std::string with_peft = ": revlora has no merge for that, PEFT's merge_and_unload() has one";
const std::string nothing_to_merge = ": it changes no weights, so there is nothing to merge";
const std::string by_input = ": it cannot be merged by anybody, only be loaded beside the model";
const std::string by_nobody = ": revlora has no merge for that";

const std::map<std::string, kind> kinds = {
    {"LORA", {"LoRA", ""}},
    {"LN_TUNING", {"LN tuning", ""}},
    {"TRAINABLE_TOKENS", {"trainable tokens", ""}},
    {"ADALORA", {"AdaLoRA", "it has singular values between its factors" + with_peft}},
    {"ADAMSS", {"AdaMSS", "it changes subspaces of the base weights" + with_peft}},
    {"ADAPTION_PROMPT", {"LLaMA-Adapter", "it adds prompts to the attention" + nothing_to_merge}},
    {"BEFT", {"BEFT", "it adds biases to value projections" + with_peft}},
    {"BOFT", {"BOFT", "it multiplies weights by orthogonal matrices" + with_peft}},
    {"BONE", {"Bone", "it repeats one small block over the whole weight" + by_nobody}},
    {"C3A", {"C3A", "its update is made of circulant blocks" + with_peft}},
    {"CARTRIDGE", {"Cartridge", "it adds keys and values of a prompt" + nothing_to_merge}},
    {"CPT", {"CPT", "it adds virtual tokens" + nothing_to_merge}},
    {"DEFT", {"DEFT", "it projects a part of the weights away" + with_peft}},
    {"DELORA", {"DeLoRA", "it scales its update by norms of factors and weights" + with_peft}},
    {"FOURIERFT", {"FourierFT", "its update is given by Fourier coefficients" + with_peft}},
    {"FROD", {"FRoD", "it gives the weights as another decomposition" + with_peft}},
    {"GLORA", {"GLoRA", "it multiplies weights besides adding to them" + with_peft}},
    {"GRALORA", {"GraLoRA", "it has factors for each block of a weight" + with_peft}},
    {"HIRA", {"HiRA", "its update is multiplied by the weights themselves" + with_peft}},
    {"HRA", {"HRA", "it multiplies weights by orthogonal matrices" + with_peft}},
    {"IA3", {"(IA)3", "it multiplies weights by vectors" + with_peft}},
    {"LILY", {"Lily", "its layers mix factors that they share" + by_nobody}},
    {"LOHA", {"LoHa", "its update is a Hadamard product" + with_peft}},
    {"LOKR", {"LoKr", "its update is a Kronecker product" + with_peft}},
    {"MISS", {"MiSS", "it repeats one small block over the whole weight" + with_peft}},
    {"MULTITASK_PROMPT_TUNING",
     {"multitask prompt tuning", "it adds virtual tokens" + nothing_to_merge}},
    {"OFT", {"OFT", "it multiplies weights by orthogonal matrices" + with_peft}},
    {"OSF", {"OSF", "it replaces a part of the weights' singular value decomposition" + with_peft}},
    {"PEANUT", {"PEANuT", "its update is a neural network of the weights" + with_peft}},
    {"POLY", {"Poly", "its effect depends on the task" + by_input}},
    {"PREFIX_TUNING", {"prefix tuning", "it adds keys and values of a prompt" + nothing_to_merge}},
    {"PROMPT_TUNING", {"prompt tuning", "it adds virtual tokens" + nothing_to_merge}},
    {"PSOFT", {"PSOFT", "it rotates the weights within a subspace" + with_peft}},
    {"PVERA", {"PVeRA", "its layers share random factors" + with_peft}},
    {"P_TUNING", {"p-tuning", "it adds virtual tokens" + nothing_to_merge}},
    {"RANDLORA", {"RandLoRA", "its layers share random factors" + with_peft}},
    {"ROAD", {"RoAd", "it rotates pairs of outputs" + with_peft}},
    {"SHADOW", {"ShadowPEFT", "its effect depends on the input" + by_input}},
    {"SHIRA", {"SHiRA", "it changes scattered elements of a weight" + with_peft}},
    {"SUPERTUNING", {"Super-Tuning", "it changes scattered elements of a weight" + with_peft}},
    {"TINYLORA", {"TinyLoRA", "its factors come from the weights themselves" + with_peft}},
    {"UNILORA", {"Uni-LoRA", "its factors are picked from one vector" + with_peft}},
    {"VBLORA", {"VB-LoRA", "its factors are mixed from one bank of vectors" + with_peft}},
    {"VERA", {"VeRA", "its layers share random factors" + with_peft}},
    {"WAVEFT", {"WaveFT", "its update is given by wavelet coefficients" + with_peft}},
    {"XLORA", {"X-LoRA", "its effect depends on the input" + by_input}}};

// Fields that change what merging means, unless they are null, false or empty.
const std::map<std::string, kind> variants = {
    {"use_dora", {"DoRA", "DoRA rescales the merged weights" + with_peft}},
    {"layer_replication",
     {"LoRA", "it duplicates layers of the base model: write these layers into the model first"}},
    {"megatron_config", {"LoRA", "the base model is split over devices" + by_nobody}},
    {"kasa_config", {"KaSA", "KaSA truncates the base weights" + with_peft}},
    {"arrow_config", {"Arrow", "Arrow's effect depends on the input" + by_input}},
    {"alora_invocation_tokens", {"aLoRA", "aLoRA's effect depends on the input" + by_input}},
    {"use_qalora", {"QA-LoRA", "QA-LoRA pools the inputs before the factors" + with_peft}},
    {"use_bdlora", {"BD-LoRA", "BD-LoRA's factors are block-diagonal" + with_peft}}};

// Named like the switch of a variant, but without influence on merging. VeLoRA and MonteCLoRA are
// LoRA as soon as training is over.
const std::set<std::string> harmless_switches = {
    "use_rslora",     "loftq_config",   "eva_config",    "corda_config",
    "lora_ga_config", "runtime_config", "velora_config", "monteclora_config"};

const std::string convert =
    ": merge it into the model that was saved then, with \"init_lora_weights\": true here, or save "
    "it "
    "again with path_initial_model_for_weight_conversion";

bool is_on(const json& value) {
  if (value.is_null() || value == false) return false;
  return !((value.is_structured() || value.is_string()) && (value.empty() || value == ""));
}

std::string refusal(const std::string& field, const json& value, const std::string& reason) {
  std::string shown = as_ascii(value);
  if (shown.size() > 40) shown = shown.substr(0, 37) + "...";
  return "cannot merge with " + as_ascii(field) + ": " + shown + " (" + reason + ")";
}

std::string refusal_of_type(const std::string& type) {
  const auto known = kinds.find(type);
  if (known == kinds.end()) {
    return refusal("peft_type", type, "a kind of adapter that revlora does not know" + by_nobody);
  }
  if (known->second.reason.empty()) return "";
  return refusal("peft_type", type, known->second.name + ", " + known->second.reason);
}

/// Of `init_lora_weights`: what it did to the base weights.
std::string refusal_of_initialisation(const json& value) {
  if (!value.is_string()) return "";
  std::string name = value.get<std::string>();
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 5> harmless = {"gaussian", "orthogonal", "eva", "mica",
                                                        "true"};
  if (name.empty() || std::ranges::find(harmless, name) != harmless.end()) return "";
  for (const char* changing : {"pissa", "olora", "corda", "loftq", "lora_ga"}) {
    if (!name.starts_with(changing)) continue;
    return refusal("init_lora_weights", value,
                   "this initialisation changed the base weights" + convert);
  }
  return refusal(
      "init_lora_weights", value,
      "revlora does not know whether this initialisation changed the base weights: if it "
      "did not, write true there");
}

std::string refusal_of_variant(const json& fields) {
  for (const auto& [field, value] : fields.items()) {
    if (!is_on(value)) continue;
    const auto known = variants.find(field);
    if (known != variants.end()) return refusal(field, value, known->second.reason);
    // PEFT switches its variants on by such fields, so one that is new may well be a new variant.
    const bool looks_like_a_variant = field.starts_with("use_") || field.ends_with("_config");
    if (looks_like_a_variant && !harmless_switches.contains(field)) {
      return refusal(field, value, "a variant of LoRA that revlora does not know" + by_nobody);
    }
  }
  return "";
}

}  // namespace

std::string name_of_kind(const json& fields) {
  const std::string type = fields.at("peft_type").get<std::string>();
  const auto known = kinds.find(type);
  if (known == kinds.end()) return type;
  if (type != "LORA") return known->second.name;
  for (const auto& [field, value] : fields.items()) {
    const auto variant = variants.find(field);
    if (variant != variants.end() && is_on(value)) return variant->second.name;
  }
  return known->second.name;
}

bool has_known_tensors(const std::string& type) {
  const auto known = kinds.find(type);
  return known != kinds.end() && known->second.reason.empty();
}

std::string as_ascii(const json& value) {
  return value.dump(-1, ' ', true);
}

std::string reason_to_refuse(const json& fields) {
  const std::string type = fields.at("peft_type").get<std::string>();
  std::string reason = refusal_of_type(type);
  if (!reason.empty() || type != "LORA") return reason;
  reason = refusal_of_variant(fields);
  const auto initialisation = fields.find("init_lora_weights");
  if (!reason.empty() || initialisation == fields.end()) return reason;
  return refusal_of_initialisation(*initialisation);
}

}  // namespace revlora::tool
