// A trainer that merges the adapter at every step, to generate or evaluate at full speed, and takes
// it out again before the optimiser moves it. The adapter is another one at each step; the base
// must stay what it was, or training runs on weights that nobody has. Beside it, on a copy, what
// subtracting the adapter does.
#include <cstddef>
#include <cstdio>
#include <revlora/revlora.hpp>
#include <vector>

#include "numbers.hpp"

/// Stands for backpropagation: a step into some direction.
void step(std::vector<float>& parameters, float learning_rate) {
  const auto gradient = normal_numbers<float>(std::ssize(parameters), 1);
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] -= learning_rate * gradient[i];
}

int main() {
  constexpr std::ptrdiff_t d_out = 256, d_in = 256, rank = 16;
  constexpr int steps = 100;
  const auto base = normal_numbers<revlora::bf16>(d_out * d_in, 0.02f);
  auto weights = base, subtracted = base;
  const revlora::matrix_view W(weights, d_out, d_in), S(subtracted, d_out, d_in);

  std::vector<float> B(d_out * rank);  // zero, as training begins
  std::vector<float> A = normal_numbers<float>(rank * d_in, 0.02f);
  // A view: it shows the factors as they are at each call.
  const revlora::low_rank adapter(revlora::matrix_view(B, d_out, rank),
                                  revlora::matrix_view(A, rank, d_in), 2.0f);
  revlora::undo_record record;  // reused: its memory stays
  int changed = 0;
  double bits = 0;
  for (int i = 0; i < steps; ++i) {
    revlora::merge(W, adapter, record);
    // … generate with W …
    revlora::unmerge(W, adapter, record);
    changed += count_different(weights, base);
    bits += 8.0 * static_cast<double>(record.size_bytes()) / (d_out * d_in * steps);

    revlora::merge(S, adapter);
    revlora::subtract(S, adapter);  // no record: W − s·B·A, rounded

    step(B, 1e-3f);
    step(A, 1e-4f);
  }
  const int lost = count_different(subtracted, base);
  std::printf("%d steps with %.2f bits of record per weight, %d weights changed; ", steps, bits,
              changed);
  std::printf("subtraction changed %d of %zu (%.1f %%)\n", lost, base.size(),
              100.0 * lost / static_cast<double>(base.size()));
  return changed == 0 ? 0 : 1;
}
