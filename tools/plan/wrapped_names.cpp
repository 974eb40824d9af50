#include "plan/wrapped_names.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace revlora::tool {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view part, const std::array<std::string_view, N>& list) {
  return std::ranges::find(list, part) != list.end();
}

// In front of the layers of a language model. Towers for images or sound are none of these: their
// layers have names like those of the text's.
constexpr std::array<std::string_view, 5> outer_models = {"base_model", "model", "module",
                                                          "language_model", "diffusion_model"};
// Anywhere in a name: torch.compile, checkpointing of activations, FSDP.
constexpr std::array<std::string_view, 3> invisible_wrappers = {
    "_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module"};

std::optional<std::uint64_t> number_of(std::string_view part) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
  if (error != std::errc{} || end != part.data() + part.size()) return {};
  return number;
}

void take_away_wrappers(std::vector<std::string_view>& parts) {
  std::erase_if(parts, [](std::string_view part) { return is_one_of(part, invisible_wrappers); });
  std::size_t outer = 0;
  while (outer + 2 < parts.size() && is_one_of(parts[outer], outer_models)) ++outer;
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(outer));
}

/// Mixtral's names of an expert's matrices, and those of lists of one matrix for each expert.
std::string_view expert_matrix(std::string_view part) {
  if (part == "w1") return "gate_proj";
  if (part == "w3") return "up_proj";
  if (part == "w2") return "down_proj";
  if (part == "gate_up_projs") return "gate_up_proj";
  if (part == "down_projs") return "down_proj";
  return part;
}

/// `experts.3.w1.weight`, `experts.gate_up_projs.3.weight`, or a stack's `experts.gate_up_proj`.
std::optional<std::uint64_t> take_out_expert(std::vector<std::string_view>& parts) {
  const auto experts = std::ranges::find(parts, std::string_view("experts"));
  if (experts == parts.end()) return {};
  const auto list = experts - parts.begin() + 1;
  std::optional<std::uint64_t> expert;
  for (auto at = list; at < std::min<std::ptrdiff_t>(list + 2, std::ssize(parts)); ++at) {
    expert = number_of(parts[static_cast<std::size_t>(at)]);
    if (!expert) continue;
    parts.erase(parts.begin() + at);
    break;
  }
  if (list >= std::ssize(parts)) return expert;
  auto& matrix = parts[static_cast<std::size_t>(list)];
  matrix = expert_matrix(matrix);
  // The stack is a parameter itself, and has no `.weight`.
  if (list + 1 == std::ssize(parts)) parts.push_back("weight");
  return expert;
}

/// Mixtral's files say `block_sparse_moe` where newer versions of transformers say `mlp`.
void rename_sparse_blocks(std::vector<std::string_view>& parts) {
  std::ranges::replace(parts, std::string_view("block_sparse_moe"), std::string_view("mlp"));
}

}  // namespace

std::vector<std::string_view> name_parts(std::string_view name) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t dot = name.find('.', begin);
    parts.push_back(name.substr(begin, dot - begin));
    if (dot == std::string_view::npos) return parts;
    begin = dot + 1;
  }
}

std::string joined(const std::vector<std::string_view>& parts) {
  std::string name;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) name += '.';
    name += parts[i];
  }
  return name;
}

plain_name plain_name_of(std::string_view name) {
  std::vector<std::string_view> parts = name_parts(name);
  take_away_wrappers(parts);
  const auto expert = take_out_expert(parts);
  rename_sparse_blocks(parts);
  return {joined(parts), expert};
}

}  // namespace revlora::tool
