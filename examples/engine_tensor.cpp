// An engine's own tensor, its types known at run time only and its half type its own. In a fused
// qkv weight q and v have an adapter each, as PEFT trains them by default, and k has none. What is
// wrong is returned, not thrown: this compiles with -fno-exceptions too.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <revlora/revlora.hpp>

#include "numbers.hpp"

namespace engine {
enum class half : std::uint16_t {};  // IEEE binary16
enum class dtype { f32, f16 };
struct tensor {
  void* data;
  dtype type;
  std::int64_t shape[2], strides[2];  // in elements
};
}  // namespace engine
revlora::any_matrix view(const engine::tensor& t) {
  const bool is_half = t.type == engine::dtype::f16;
  return {t.data,       is_half ? revlora::element_type::fp16 : revlora::element_type::fp32,
          t.shape[0],   t.shape[1],
          t.strides[0], t.strides[1]};
}

int main() {
  constexpr std::int64_t d = 256, kv = 64, rank = 8;  // grouped queries: k and v have fewer rows
  std::vector<engine::half> weights((d + 2 * kv) * d);
  for (auto& w : weights) w = engine::half((std::rand() & 0x83ff) | 0x2400);  // ±1/64 … ±1/32
  const auto base = weights;
  auto Bq = normal_numbers<float>(d * rank, 0.01f), Aq = normal_numbers<float>(rank * d, 0.02f);
  auto Bv = normal_numbers<float>(kv * rank, 0.01f), Av = normal_numbers<float>(rank * d, 0.02f);
  using enum engine::dtype;  // this engine stores A as [d_in, r]
  const auto lora = [&](auto& B, auto& A, std::int64_t rows) {
    return revlora::low_rank(view({B.data(), f32, {rows, rank}, {rank, 1}}),
                             view({A.data(), f32, {rank, d}, {1, rank}}), 2.0f);
  };
  const auto q_lora = lora(Bq, Aq, d), v_lora = lora(Bv, Av, kv);
  const auto W = view({weights.data(), f16, {d + 2 * kv, d}, {d, 1}});
  const auto q = W.row_slice(0, d), v = W.row_slice(d + kv, kv);
  revlora::undo_record q_record, v_record;
  if (!try_merge(q, q_lora, q_record) || !try_merge(v, v_lora, v_record)) return 1;
  const revlora::validation whole = validate(W, q_lora);
  if (!try_unmerge(q, q_lora, q_record) || !try_unmerge(v, v_lora, v_record)) return 1;
  const revlora::validation again = try_unmerge(v, v_lora, v_record);
  std::printf("refused: %s\nrefused: %s\n", whole.text().c_str(), again.text().c_str());
  const bool restored = weights == base;
  std::printf("q and v merged, each alone; %s\n", restored ? "every bit is back" : "BITS CHANGED");
  return restored && !whole && !again ? 0 : 1;
}
