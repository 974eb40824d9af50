#include "plan/fused_rows.hpp"

#include <array>
#include <string_view>

namespace revlora::tool {

namespace {

using names_of_three = std::array<std::string_view, 3>;

constexpr std::array<names_of_three, 5> attention_spellings = {{{"q_proj", "k_proj", "v_proj"},
                                                                {"to_q", "to_k", "to_v"},
                                                                {"query", "key", "value"},
                                                                {"q", "k", "v"},
                                                                {"wq", "wk", "wv"}}};

struct fused_name {
  std::string_view module;
  row_layout layout;
};

// Of `query_key_value` (GPT-NeoX, BLOOM, Falcon; but not ChatGLM) and InternLM's `wqkv` the rows of
// one head lie together in most models.
constexpr std::array<fused_name, 8> fused_attention = {
    {{"qkv_proj", row_layout::query_key_value},
     {"qkv", row_layout::query_key_value},
     {"to_qkv", row_layout::query_key_value},
     {"Wqkv", row_layout::query_key_value},
     {"c_attn", row_layout::query_key_value},
     {"in_proj_weight", row_layout::equal_parts},
     {"query_key_value", row_layout::interleaved_by_heads},
     {"wqkv", row_layout::interleaved_by_heads}}};

constexpr names_of_three added_parts = {"add_q_proj", "add_k_proj", "add_v_proj"};
constexpr std::array<std::string_view, 2> gate_parts = {"gate_proj", "up_proj"};

constexpr const char* attention_rule = "q, k and v as parts of one weight";
constexpr const char* gate_rule = "gate_proj and up_proj as parts of one weight";

constexpr std::string_view suffix = ".weight";
// A parameter of torch's MultiheadAttention, and no module.
constexpr std::string_view bare = "in_proj_weight";

class name_collector {
 public:
  explicit name_collector(std::string_view name) {
    if (name.ends_with(suffix)) {
      name.remove_suffix(suffix.size());
    } else if (!name.ends_with(bare)) {
      return;
    }
    const std::size_t dot = name.rfind('.');
    last_ = dot == std::string_view::npos ? name : name.substr(dot + 1);
    front_ = name.substr(0, name.size() - last_.size());
  }

  template <std::size_t N>
  void relate(std::string_view fused, row_layout layout,
              const std::array<std::string_view, N>& parts, const char* rule) {
    for (std::size_t i = 0; i < N; ++i) {
      const row_share share{layout, i, N};
      if (last_ == fused) names.push_back({"", beside(parts[i]), share, false, rule});
      if (last_ == parts[i] && layout != row_layout::interleaved_by_heads) {
        names.push_back({"", beside(fused), share, true, rule});
      }
    }
  }

  std::vector<other_name> names;

 private:
  std::string beside(std::string_view module) const {
    return std::string(front_) + std::string(module) + std::string(module == bare ? "" : suffix);
  }

  std::string_view front_;
  std::string_view last_;
};

}  // namespace

std::optional<std::uint64_t> first_row(const row_share& share, std::uint64_t rows,
                                       std::uint64_t all) {
  if (rows == 0 || rows >= all) return {};
  switch (share.layout) {
    case row_layout::whole:
    case row_layout::interleaved_by_heads:
      return {};
    case row_layout::equal_parts:
      if (all % share.parts != 0 || all / share.parts != rows) return {};
      return share.part * rows;
    case row_layout::query_key_value: {
      // Several heads of queries may share one of keys and values.
      const std::uint64_t others = all - rows;
      const bool is_query = share.part == 0;
      if (is_query && others % 2 != 0) return {};
      if (!is_query && rows >= others) return {};
      const std::uint64_t keys = is_query ? others / 2 : rows;
      const std::uint64_t queries = all - 2 * keys;
      if (queries < keys || queries % keys != 0) return {};
      if (is_query) return 0;
      return share.part == 1 ? queries : all - rows;
    }
    case row_layout::attention_and_mlp:
      if (share.part == 3) {
        if ((all - rows) % 3 != 0) return {};
        return all - rows;
      }
      if (rows >= all / 3) return {};
      return share.part * rows;
  }
  return {};
}

std::uint64_t implied_rows(const row_share& share, std::uint64_t rows, std::uint64_t all) {
  const bool is_queries = share.layout == row_layout::query_key_value && share.part == 0;
  const bool is_mlp = share.layout == row_layout::attention_and_mlp && share.part == 3;
  return is_queries ? (all - rows) / 2 : is_mlp ? (all - rows) / 3 : rows;
}

std::vector<other_name> names_of_parts(const std::string& name) {
  name_collector collected(name);
  for (const fused_name& fused : fused_attention) {
    for (const names_of_three& parts : attention_spellings) {
      collected.relate(fused.module, fused.layout, parts, attention_rule);
    }
  }
  collected.relate("to_added_qkv", row_layout::equal_parts, added_parts, attention_rule);
  collected.relate("gate_up_proj", row_layout::equal_parts, gate_parts, gate_rule);
  return std::move(collected.names);
}

}  // namespace revlora::tool
