// The UNet of Stable Diffusion 1, 2 and XL: LDM's names, which single files and kohya's scripts for
// XL have, and diffusers'. LDM counts blocks through, diffusers by resolution; both have two
// layers for each on the way down and three on the way up.
#include <array>
#include <charconv>
#include <optional>

#include "plan/families.hpp"
#include "plan/wrapped_names.hpp"

namespace revlora::tool {

namespace {

constexpr const char* rule = "between LDM's names of the UNet and those of diffusers";

constexpr name_pattern outside_of_blocks[] = {{"time_embed.0", {"time_embedding.linear_1"}},
                                              {"time_embed.2", {"time_embedding.linear_2"}},
                                              {"label_emb.0.0", {"add_embedding.linear_1"}},
                                              {"label_emb.0.2", {"add_embedding.linear_2"}},
                                              {"input_blocks.0.0", {"conv_in"}},
                                              {"out.0", {"conv_norm_out"}},
                                              {"out.2", {"conv_out"}}};

struct renamed {
  std::string_view ldm;
  std::string_view diffusers;
};

constexpr std::array<renamed, 6> in_resnets = {{{"in_layers.0", "norm1"},
                                                {"in_layers.2", "conv1"},
                                                {"emb_layers.1", "time_emb_proj"},
                                                {"out_layers.0", "norm2"},
                                                {"out_layers.3", "conv2"},
                                                {"skip_connection", "conv_shortcut"}}};

/// What follows the first parts of a name.
std::string rest_of(const std::vector<std::string_view>& parts, std::size_t from) {
  if (from >= parts.size()) return "";
  return joined({parts.begin() + static_cast<std::ptrdiff_t>(from), parts.end()});
}

std::optional<std::string> resnet_in_diffusers(const std::string& rest) {
  for (const renamed& each : in_resnets) {
    if (rest.starts_with(std::string(each.ldm) + ".")) {
      return std::string(each.diffusers) + rest.substr(each.ldm.size());
    }
  }
  return {};
}

std::optional<std::string> resnet_in_ldm(const std::string& rest) {
  for (const renamed& each : in_resnets) {
    if (rest.starts_with(std::string(each.diffusers) + ".")) {
      return std::string(each.ldm) + rest.substr(each.diffusers.size());
    }
  }
  return {};
}

std::optional<unsigned> small_number(std::string_view part) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
  const bool is_all = error == std::errc{} && end == part.data() + part.size();
  return is_all && number < 1000 ? std::optional(number) : std::nullopt;
}

using parts_of_name = std::vector<std::string_view>;

std::string at(const char* blocks, unsigned block, const char* list, unsigned layer,
               const std::string& rest) {
  return std::string(blocks) + "." + std::to_string(block) + "." + list + "." +
         std::to_string(layer) + "." + rest;
}

/// Of "input_blocks.4.1.proj_in.weight" the name that diffusers has.
std::optional<std::string> block_in_diffusers(const parts_of_name& parts) {
  const bool is_middle = parts[0] == "middle_block";
  const auto layer = small_number(parts[1]);
  const auto member = is_middle ? layer : small_number(parts[2]);
  if (!layer || !member) return {};
  const std::string rest = rest_of(parts, is_middle ? 2 : 3);
  const auto resnet = resnet_in_diffusers(rest);
  if (is_middle) {
    if (*layer == 1) return "mid_block.attentions.0." + rest;
    if (!resnet || *layer > 2) return {};
    return "mid_block.resnets." + std::string(*layer == 0 ? "0." : "1.") + *resnet;
  }
  if (parts[0] == "input_blocks") {
    if (*layer == 0) return {};
    const unsigned block = (*layer - 1) / 3, within = (*layer - 1) % 3;
    if (within == 2) {
      if (*member != 0 || !rest.starts_with("op.")) return {};
      return at("down_blocks", block, "downsamplers", 0, "conv" + rest.substr(2));
    }
    if (*member == 0 && resnet) return at("down_blocks", block, "resnets", within, *resnet);
    if (*member == 1) return at("down_blocks", block, "attentions", within, rest);
    return {};
  }
  const unsigned block = *layer / 3, within = *layer % 3;
  if (*member == 0 && resnet) return at("up_blocks", block, "resnets", within, *resnet);
  if (*member > 0 && rest.starts_with("conv."))
    return at("up_blocks", block, "upsamplers", 0, rest);
  if (*member == 1) return at("up_blocks", block, "attentions", within, rest);
  return {};
}

std::string in_ldm(const char* blocks, unsigned layer, unsigned member, const std::string& rest) {
  return std::string(blocks) + "." + std::to_string(layer) + "." + std::to_string(member) + "." +
         rest;
}

/// Of "down_blocks.1.attentions.0.proj_in.weight" the names that LDM may have: an upsampler comes
/// second in a block without attention, else third.
std::vector<std::string> block_in_ldm(const parts_of_name& parts) {
  const bool is_middle = parts[0] == "mid_block";
  const std::size_t list_at = is_middle ? 1 : 2;
  if (parts.size() < list_at + 3) return {};
  const std::string_view list = parts[list_at];
  const auto block = is_middle ? std::optional(0u) : small_number(parts[1]);
  const auto within = small_number(parts[list_at + 1]);
  if (!block || !within || *within > 2) return {};
  const std::string rest = rest_of(parts, list_at + 2);
  const auto resnet = resnet_in_ldm(rest);
  if (is_middle) {
    if (list == "attentions" && *within == 0) return {"middle_block.1." + rest};
    if (list != "resnets" || !resnet || *within > 1) return {};
    return {"middle_block." + std::string(*within == 0 ? "0." : "2.") + *resnet};
  }
  const bool is_down = parts[0] == "down_blocks";
  const char* const blocks = is_down ? "input_blocks" : "output_blocks";
  const unsigned layer = is_down ? 1 + 3 * *block + *within : 3 * *block + *within;
  if (list == "attentions") return {in_ldm(blocks, layer, 1, rest)};
  if (list == "resnets" && resnet) return {in_ldm(blocks, layer, 0, *resnet)};
  if (!rest.starts_with("conv.") || *within != 0) return {};
  if (list == "downsamplers") return {in_ldm(blocks, 3 * (*block + 1), 0, "op" + rest.substr(4))};
  if (list != "upsamplers") return {};
  return {in_ldm(blocks, layer + 2, 1, rest), in_ldm(blocks, layer + 2, 2, rest)};
}

}  // namespace

std::vector<other_name> unet_names(const std::string& name) {
  static const name_patterns outside(outside_of_blocks, rule);
  std::vector<other_name> names;
  const parts_of_name parts = name_parts(name);
  const std::string_view first = parts[0];
  if (parts.size() >= 4) {
    if (first == "input_blocks" || first == "middle_block" || first == "output_blocks") {
      if (const auto other = block_in_diffusers(parts)) {
        names.push_back({"unet", *other, {}, false, rule});
      }
    } else if (first == "down_blocks" || first == "mid_block" || first == "up_blocks") {
      for (const std::string& other : block_in_ldm(parts)) {
        names.push_back({"unet", other, {}, false, rule});
      }
    }
  }
  for (other_name& other : outside.other_names(name)) names.push_back(std::move(other));
  return names;
}

}  // namespace revlora::tool
