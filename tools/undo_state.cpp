#include "undo_state.hpp"

#include <algorithm>
#include <optional>

#include "file.hpp"
#include "plan.hpp"
#include "problem.hpp"
#include "progress.hpp"
#include "revlora/merge.hpp"
#include "temporary_name.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

tensor_state state_of_tensor(std::span<std::byte> bytes, const merged_tensor& merged) {
  tensor_state state = tensor_state::other;
  with_matrix(bytes, {merged.record.type(), merged.record.rows(), merged.record.cols()},
              [&](auto weights) {
                switch (state_of(weights, merged.record)) {
                  case weights_state::base:
                    state = tensor_state::base;
                    break;
                  case weights_state::merged:
                    state = tensor_state::merged;
                    break;
                  case weights_state::other:
                    break;
                }
              });
  // The library calls such a tensor merged; nobody can tell.
  if (state != tensor_state::other && merged.changed == 0) state = tensor_state::both;
  return state;
}

/// Whether the model that an undo file was made for is a different one, is still there, and needs
/// this file to get back to its base.
bool another_model_needs(const undo_file& undo, const fs::path& future_model) {
  if (undo.model == future_model || !fs::exists(undo.model)) return false;
  try {
    return !compare(checkpoint(undo.model), undo).is_base();
  } catch (const problem&) {
    return false;  // what is there now is no model
  }
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
  std::vector<std::optional<safetensors_file>> files(model.shards().size());
  model_state result;
  for (const merged_tensor& merged : undo.tensors) {
    const located_tensor* const located = model.find(merged.name);
    if (located == nullptr || located->entry.dtype != merged.dtype ||
        located->entry.shape != merged.shape) {
      result.tensors.push_back(tensor_state::other);
      continue;
    }
    auto& file = files[located->shard];
    if (!file) file.emplace(model.path_of(located->shard));
    result.tensors.push_back(state_of_tensor(file->bytes_of(located->entry), merged));
    bar.advance(located->entry.size_bytes());
  }
  return result;
}

void check_undo_place(const fs::path& undo, const checkpoint& model, const fs::path& future_model) {
  const std::string quoted = "'" + undo.string() + "'";
  if (undo.extension() == ".safetensors" || undo.extension() == temporary_ending) {
    throw problem("an undo file must not be named *" + undo.extension().string() + ": " + quoted);
  }
  const auto type = fs::status(undo).type();
  if (type == fs::file_type::not_found) {
    const bool in_new_folder = folder_of(undo) == future_model && !fs::exists(future_model);
    if (!in_new_folder && !fs::is_directory(folder_of(undo))) {
      throw problem("there is no folder '" + folder_of(undo).string() + "'");
    }
    return;
  }
  if (type != fs::file_type::regular) {
    throw problem(quoted + " is in the way of the undo file, and is not a file");
  }
  const undo_file existing = undo_file::read(undo);
  const model_state state = compare(model, existing);
  if (state.any(tensor_state::other)) {
    throw problem(quoted +
                  " is the undo file of another model, or of another state of this one: '" +
                  state.first(tensor_state::other, existing).name +
                  "' does not fit; name another file with --undo");
  }
  if (!state.is_base()) {
    throw problem("the model is " + std::string(state.is_merged() ? "merged" : "partly merged") +
                  " already, says " + quoted + ": unmerge first, or name another file with --undo");
  }
  if (another_model_needs(existing, future_model)) {
    throw problem(quoted + " is the undo file of '" + existing.model.string() +
                  "', which is merged: name another file with --undo");
  }
}

}  // namespace revlora::tool
