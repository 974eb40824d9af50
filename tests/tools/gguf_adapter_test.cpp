// llama.cpp's adapters: names of its own, factors that may be stacks of experts, and an embedding
// that lies transposed.
#include "handmade_gguf.hpp"
#include "read_adapters.hpp"

namespace revlora::tool::test {
namespace {

constexpr std::uint32_t f32 = 0, q8_0 = 8;

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), 4 * values.size()};
}

struct factor {
  std::string name;
  std::vector<std::uint64_t> extents;
  std::vector<float> values;
};

class GgufAdapter : public testing::Test {
 protected:
  stored_adapter read(const std::vector<factor>& factors, std::vector<std::string> entries = {},
                      float alpha = 0) {
    entries.push_back(gguf_entry("general.type", 8, gguf_text("adapter")));
    entries.push_back(gguf_entry("general.architecture", 8, gguf_text("llama")));
    entries.push_back(gguf_entry("adapter.type", 8, gguf_text("lora")));
    entries.push_back(gguf_entry("adapter.lora.alpha", 6, bytes_of_number(alpha)));
    std::vector<gguf_tensor> tensors;
    std::string values;
    for (const factor& each : factors) {
      tensors.push_back({each.name, each.extents, f32, values.size()});
      values += bytes_of(each.values);
      values.resize((values.size() + 31) / 32 * 32);
    }
    write(path, gguf(entries, tensors, values));
    return read_adapter(path);
  }

  temporary_folder folder;
  const fs::path path = folder / "adapter.gguf";
};

const factor a = {"blk.0.attn_q.weight.lora_a", {3, 2}, {1, 2, 3, 4, 5, 6}};
const factor b = {"blk.0.attn_q.weight.lora_b", {2, 2}, {1, 0, 0, 10}};

TEST_F(GgufAdapter, LinearLayers) {
  const stored_adapter adapter = read({a, b}, {}, 4);
  EXPECT_EQ(adapter.path, path);
  EXPECT_EQ(adapter.description, "llama.cpp LoRA (GGUF)");
  EXPECT_EQ(names_of(adapter), std::vector<std::string>{": blk.0.attn_q weight"});
  EXPECT_EQ(factors_of(adapter).scale, 2);
  EXPECT_EQ(product(adapter, factors_of(adapter)), (std::vector<float>{2, 4, 6, 80, 100, 120}));
  EXPECT_EQ(factors_of(read({a, b})).scale, 1);
  EXPECT_EQ(adapter.architecture, "llama");
  EXPECT_EQ(adapter.updates[0].spelled, "");
}

TEST_F(GgufAdapter, TheEmbeddingIsStoredTransposed) {
  const stored_adapter adapter = read({{"token_embd.weight.lora_a", {1, 3}, {1, 2, 3}},
                                       {"token_embd.weight.lora_b", {1, 2}, {1, 10}}});
  const low_rank_update& update = factors_of(adapter);
  EXPECT_EQ(update.kind, layer_kind::embedding);
  EXPECT_EQ(update.shape, (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(product(adapter, update), (std::vector<float>{1, 10, 2, 20, 3, 30}));
}

TEST_F(GgufAdapter, ExpertsAreRowsOfAStack) {
  const factor experts_b = {"blk.0.ffn_up_exps.weight.lora_b", {1, 2, 2}, {1, 10, 2, 20}};
  const stored_adapter own =
      read({{"blk.0.ffn_up_exps.weight.lora_a", {3, 1, 2}, {1, 2, 3, 4, 5, 6}}, experts_b});
  ASSERT_EQ(own.updates.size(), 2u);
  EXPECT_EQ(factors_of(own, 1).rows, (row_range{2, 4}));
  EXPECT_EQ(product(own, factors_of(own, 1)), (std::vector<float>{8, 10, 12, 80, 100, 120}));
  const stored_adapter shared =
      read({{"blk.0.ffn_up_exps.weight.lora_a", {3, 1, 1}, {1, 2, 3}}, experts_b});
  EXPECT_EQ(product(shared, factors_of(shared, 1)), (std::vector<float>{2, 4, 6, 20, 40, 60}));
}

TEST_F(GgufAdapter, RefusesByName) {
  const auto refusal = [&](const std::vector<factor>& factors) {
    return message_of([&] { read(factors); });
  };
  expect_part(refusal({a}), "no lora_b");
  expect_part(refusal({b}), "no lora_a");
  expect_part(refusal({}), "no factors");
  expect_part(refusal({a, {b.name, {1, 2}, {1, 2}}}), "do not fit");
  expect_part(refusal({a, {b.name, {2}, {1, 2}}}), "do not fit");
  const std::string tokens =
      bytes_of_number(4u) + bytes_of_number(std::uint64_t{1}) + bytes_of_number(1u);
  expect_part(read({a, b}, {gguf_entry("adapter.alora.invocation_tokens", 9, tokens)}).refused,
              "aLoRA");
  write(path, gguf({gguf_entry("general.type", 8, gguf_text("adapter")),
                    gguf_entry("adapter.type", 8, gguf_text("lora"))},
                   {{"x.weight.lora_a", {32, 1}, q8_0, 0}}, std::string(34, 'x')));
  expect_part(read_adapter(path).refused, "of type Q8_0");
  write(path, gguf({gguf_entry("general.type", 8, gguf_text("adapter"))}, {}, ""));
  expect_part(read_adapter(path).refused, "not of lora");
  write(path, gguf({gguf_entry("general.type", 8, gguf_text("model"))}, {}, ""));
  EXPECT_FALSE(is_adapter(path));
}

TEST_F(GgufAdapter, NormsAreUnused) {
  const stored_adapter adapter = read({a, b, {"output_norm.weight", {1}, {1}}});
  ASSERT_EQ(adapter.unused.size(), 1u);
  expect_part(adapter.unused[0].why, "llama.cpp leaves out");
}

}  // namespace
}  // namespace revlora::tool::test
