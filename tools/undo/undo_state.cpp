#include "undo/undo_state.hpp"

#include <algorithm>

#include "console/interruption.hpp"
#include "console/progress.hpp"
#include "revlora/state.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

namespace {

tensor_state state_of_tensor(std::vector<std::byte> bytes, const merged_tensor& merged) {
  const undo_record& record = merged.record;
  const matrix_shape shape{record.type(), record.rows(), record.cols()};
  const weights_state state = state_of(shape.over(bytes), record);
  if (state == weights_state::other) return tensor_state::other;
  // The library calls such a tensor merged; nobody can tell.
  if (merged.changed == 0) return tensor_state::both;
  return state == weights_state::base ? tensor_state::base : tensor_state::merged;
}

}  // namespace

bool model_state::any(tensor_state state) const {
  return std::find(tensors.begin(), tensors.end(), state) != tensors.end();
}

std::string model_state::describe() const {
  if (any(tensor_state::other)) return "neither at the base nor merged";
  if (is_base() && is_merged()) return "the merge changed nothing";
  if (is_base()) return "at the base";
  if (is_merged()) return "merged";
  return "partly merged, by an interrupted merge or unmerge";
}

const merged_tensor& model_state::first(tensor_state state, const undo_file& undo) const {
  const auto found = std::find(tensors.begin(), tensors.end(), state);
  return undo.tensors.at(static_cast<std::size_t>(found - tensors.begin()));
}

model_state compare(const checkpoint& model, const undo_file& undo) {
  std::uint64_t total = 0;
  for (const merged_tensor& merged : undo.tensors) {
    if (const auto* located = model.find(merged.name)) total += located->entry.size_bytes();
  }
  progress bar("checking", total);
  model_state result;
  for (const merged_tensor& merged : undo.tensors) {
    stop_if_interrupted();
    const located_tensor* const located = model.find(merged.name);
    if (located == nullptr || located->entry.dtype != merged.dtype ||
        located->entry.shape != merged.shape) {
      result.tensors.push_back(tensor_state::other);
      continue;
    }
    result.tensors.push_back(state_of_tensor(model.bytes_of(*located), merged));
    bar.advance(located->entry.size_bytes());
  }
  return result;
}

}  // namespace revlora::tool
