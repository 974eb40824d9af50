// A server with one model and many LoRA adapters: each request wants another one, and merged, so
// that it costs nothing at inference. `swap` takes one out and merges the next in a single pass.
// However often it does so, nothing drifts: the weights and the undo record are always those of a
// first merge into the base, and the base comes back.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <revlora/revlora.hpp>
#include <vector>

#include "numbers.hpp"

constexpr std::ptrdiff_t d_out = 256, d_in = 256, rank = 16;

struct adapter {
  std::vector<float> B = normal_numbers<float>(d_out * rank, 0.01f);
  std::vector<float> A = normal_numbers<float>(rank * d_in, 0.02f);

  revlora::low_rank view() const {
    return {revlora::matrix_view(B, d_out, rank), revlora::matrix_view(A, rank, d_in), 2.0f};
  }
};

int main() {
  const std::vector<adapter> adapters(8);
  const auto base = normal_numbers<revlora::bf16>(d_out * d_in, 0.02f);
  auto weights = base, subtracted = base, fresh = base;
  const revlora::matrix_view W(weights, d_out, d_in);
  const revlora::matrix_view S(subtracted, d_out, d_in);  // what people do without a record

  revlora::undo_record record;
  const adapter* current = &adapters[0];
  revlora::merge(W, current->view(), record);
  revlora::merge(S, current->view());
  constexpr std::size_t swaps = 1000;
  for (std::size_t request = 1; request <= swaps; ++request) {
    const adapter* next = &adapters[request * 3 % adapters.size()];
    revlora::swap(W, current->view(), next->view(), record);
    revlora::subtract(S, current->view());
    revlora::merge(S, next->view());
    current = next;
  }

  revlora::undo_record fresh_record;
  revlora::merge(revlora::matrix_view(fresh, d_out, d_in), current->view(), fresh_record);
  const bool as_fresh =
      weights == fresh && std::ranges::equal(record.bytes(), fresh_record.bytes());

  revlora::unmerge(W, current->view(), record);
  revlora::subtract(S, current->view());
  const int changed = count_different(weights, base), lost = count_different(subtracted, base);
  std::printf("%zu swaps, %d of %zu weights changed; subtraction changed %d (%.1f %%)\n", swaps,
              changed, base.size(), lost, 100.0 * lost / static_cast<double>(base.size()));
  const bool at_base = revlora::state_of(W, record) == revlora::weights_state::base;
  return as_fresh && at_base && changed == 0 ? 0 : 1;
}
