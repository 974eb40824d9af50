// Tensor parallelism: each device holds a shard of a layer and merges it alone, with its slice of
// the adapter, which is a view and no copy. Its bits are those of the slice of the whole layer, so
// devices need not talk to each other, and their number decides no bit.
//   column-parallel (q, k, v, gate, up): each device has some output features, rows of W
//   row-parallel (o, down): each device has some input features, columns of W
#include <cstddef>
#include <cstdio>
#include <revlora/revlora.hpp>
#include <vector>

#include "numbers.hpp"

using shard = std::vector<revlora::bf16>;
using view = revlora::matrix_view<revlora::bf16>;

/// What a device would load: its part of the layer, the rows one behind the other.
shard load(view part) {
  shard elements;
  for (std::ptrdiff_t i = 0; i < part.rows; ++i) {
    const revlora::bf16* row = part.data + i * part.row_stride;
    elements.insert(elements.end(), row, row + part.cols);
  }
  return elements;
}

/// Merges a shard and compares it with the slice of the merged layer; then takes the adapter out.
bool shard_agrees(view base_slice, view merged_slice, const revlora::low_rank& adapter) {
  shard weights = load(base_slice);
  const view W(weights, base_slice.rows, base_slice.cols);
  revlora::undo_record record;
  revlora::merge(W, adapter, record);
  const bool as_whole = weights == load(merged_slice);
  revlora::unmerge(W, adapter, record);
  return as_whole && weights == load(base_slice);
}

int main() {
  constexpr std::ptrdiff_t d_out = 256, d_in = 384, rank = 16, devices = 4;
  const auto B = normal_numbers<float>(d_out * rank, 0.01f);
  const auto A = normal_numbers<float>(rank * d_in, 0.02f);
  const revlora::low_rank adapter(revlora::matrix_view(B, d_out, rank),
                                  revlora::matrix_view(A, rank, d_in), 2.0f);
  auto base = normal_numbers<revlora::bf16>(d_out * d_in, 0.02f), merged = base;
  const view W(base, d_out, d_in), whole(merged, d_out, d_in);
  revlora::merge(whole, adapter);

  constexpr std::ptrdiff_t rows = d_out / devices, cols = d_in / devices;
  int agreeing = 0;
  for (std::ptrdiff_t i = 0; i < devices; ++i) {
    agreeing += shard_agrees(W.row_slice(i * rows, rows), whole.row_slice(i * rows, rows),
                             adapter.row_slice(i * rows, rows));
    agreeing += shard_agrees(W.column_slice(i * cols, cols), whole.column_slice(i * cols, cols),
                             adapter.column_slice(i * cols, cols));
  }
  std::printf("%d of %td shards have the bits of the whole, and came back\n", agreeing,
              2 * devices);
  return agreeing == 2 * devices ? 0 : 1;
}
