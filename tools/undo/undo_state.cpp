#include "undo/undo_state.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "console/problem.hpp"
#include "console/progress.hpp"
#include "console/text.hpp"
#include "revlora/parallel.hpp"
#include "revlora/state.hpp"
#include "safetensors/dtype.hpp"
#include "safetensors/tensor_table.hpp"
#include "undo/record_in_file.hpp"
#include "work/ordered_work.hpp"

namespace revlora::tool {

namespace {

struct candidate {
  const undo_tensor* tensor;
  const undo_merge* merge;
  const undo_shard* shard;
};

using candidates_by_name = std::map<std::string, std::vector<candidate>>;

/// The newest first.
candidates_by_name candidates_of(const undo_file& undo) {
  candidates_by_name found;
  for (const undo_merge& merge : undo.merges()) {
    for (const undo_shard& shard : merge.shards) {
      for (const undo_tensor& each : shard.tensors) {
        auto& list = found[each.name];
        list.insert(list.begin(), {&each, &merge, &shard});
      }
    }
  }
  return found;
}

/// What the parts of a tensor say together.
struct verdict {
  bool is_base;
  bool is_merged;

  void hear(tensor_state part) {
    is_base = is_base && (part == tensor_state::base || part == tensor_state::both);
    is_merged = is_merged && (part == tensor_state::merged || part == tensor_state::both);
  }
  tensor_state state() const {
    if (is_base && is_merged) return tensor_state::both;
    if (is_merged) return tensor_state::merged;
    return is_base ? tensor_state::base : tensor_state::other;
  }
};

/// What can be told of a tensor without reading it.
verdict first_look(const undo_tensor& known, const located_tensor* located) {
  if (located == nullptr) return {known.is_new, false};
  const tensor& entry = located->entry;
  const bool is_grown = known.is_new || known.shape != known.base_shape;
  const bool is_merged = entry.dtype == known.dtype && entry.shape == known.shape;
  const bool is_base = entry.dtype == known.dtype && !known.is_new &&
                       entry.shape == known.base_shape && (!is_grown || !is_merged);
  return {is_base, is_merged};
}

/// Kept from piece to piece: a page that is new costs more than the work on it.
thread_local std::vector<std::byte> bytes_of_this_thread;

tensor_state state_of_window(const file& shard, const tensor& entry, const undo_tensor& known,
                             const undo_window& window, const file& opened) {
  const std::uint64_t size = *size_of_dtype(known.dtype);
  const std::uint64_t rows = entry.shape == known.shape ? window.rows : window.base_rows;
  std::vector<std::byte>& bytes = bytes_of_this_thread;
  bytes.resize(rows * window.cols * size);
  shard.read(bytes, entry.begin + window.begin * size);
  if (window.base) {
    const sha256_digest digest = sha256_of(bytes);
    const bool is_base = digest == *window.base, is_merged = digest == *window.merged;
    return verdict{is_base, is_merged}.state();
  }
  const undo_record record = read_record(opened, known, window);
  const any_matrix weights(bytes.data(), record.type(), record.rows(), record.cols());
  const weights_state state = state_of(weights, record, serial{});
  if (state == weights_state::other) return tensor_state::other;
  // The library calls such weights merged; nobody can tell.
  if (window.changed == 0) return tensor_state::both;
  return state == weights_state::base ? tensor_state::base : tensor_state::merged;
}

std::uint64_t bytes_of(const undo_tensor& tensor, const undo_window& window) {
  return window.rows * window.cols * *size_of_dtype(tensor.dtype);
}

std::uint64_t bytes_of(const candidates_by_name& candidates) {
  std::uint64_t sum = 0;
  for (const auto& [name, list] : candidates) {
    for (const candidate& each : list) {
      for (const undo_window& window : each.tensor->windows) sum += bytes_of(*each.tensor, window);
    }
  }
  return sum;
}

/// All tensors that an undo file knows, as all of its merges left them.
class comparison {
 public:
  comparison(const checkpoint& model, const file& opened, const candidates_by_name& candidates)
      : model_(model), opened_(opened), bar_("checking", bytes_of(candidates)) {
    for (const auto& [name, list] : candidates) {
      for (const candidate& each : list) look_at(*each.tensor);
    }
    ordered_work(0).run(std::move(pieces_));
    bar_.finish();
  }

  tensor_state of(const undo_tensor& tensor) const { return verdicts_.at(&tensor).state(); }

 private:
  void look_at(const undo_tensor& known) {
    const located_tensor* const located = model_.find(known.name);
    verdict& heard = verdicts_[&known] = first_look(known, located);
    if (located == nullptr || heard.state() == tensor_state::other) return;
    for (const undo_window& window : known.windows) {
      const auto said = std::make_shared<tensor_state>();
      pieces_.push_back({[=, this, &known, &window] {
                           *said = state_of_window(model_.file_of(located->shard).content(),
                                                   located->entry, known, window, opened_);
                         },
                         [=, this, &heard, &known, &window] {
                           heard.hear(*said);
                           bar_.advance(bytes_of(known, window));
                         }});
    }
  }

  const checkpoint& model_;
  const file& opened_;
  progress bar_;
  std::map<const undo_tensor*, verdict> verdicts_;
  std::vector<ordered_work::piece> pieces_;
};

bool is_as_merged(const checkpoint& model, const undo_text& text) {
  for (const located_index& each : model.indexes()) {
    if (each.name != text.file) continue;
    return sha256_of(std::as_bytes(std::span(each.read.text))) == text.merged;
  }
  return false;
}

/// Whether a merge has got to each file that it was to change.
bool has_all_files(const undo_merge& merge, const std::vector<const undo_text*>& merged_texts) {
  std::set<std::string> missing(merge.files.begin(), merge.files.end());
  for (const undo_shard& each : merge.shards) missing.erase(each.identity.name);
  for (const undo_text* each : merged_texts) missing.erase(each->file);
  return missing.empty();
}

}  // namespace

bool model_state::any(tensor_state state) const {
  return std::ranges::find(tensors, state, &tensor_condition::state) != tensors.end();
}

std::string model_state::describe() const {
  if (any(tensor_state::other)) return "neither at the base nor merged";
  if (is_base() && is_merged()) return "the merge changed nothing";
  if (is_base()) return "at the base";
  if (is_merged()) return "merged";
  return "partly merged, by an interrupted merge, unmerge or swap";
}

const tensor_condition& model_state::first(tensor_state state) const {
  return *std::ranges::find(tensors, state, &tensor_condition::state);
}

model_state compare(const checkpoint& model, const undo_file& undo, const file& opened) {
  const auto candidates = candidates_of(undo);
  const comparison compared(model, opened, candidates);
  model_state result;
  std::set<const undo_merge*> merges;
  for (const auto& [name, list] : candidates) {
    tensor_condition chosen{list.front().shard, list.front().tensor, list.front().merge,
                            tensor_state::other};
    for (const candidate& each : list) {
      const tensor_state state = compared.of(*each.tensor);
      const bool is_better = chosen.state == tensor_state::other || state == tensor_state::merged;
      if (state != tensor_state::other && is_better) {
        chosen = {each.shard, each.tensor, each.merge, state};
      }
      if (state == tensor_state::merged) break;
    }
    if (chosen.state == tensor_state::merged) merges.insert(chosen.merge);
    result.tensors.push_back(chosen);
  }
  for (const undo_merge& merge : undo.merges()) {
    for (const undo_text& text : merge.texts) {
      if (is_as_merged(model, text)) result.texts.push_back(&text);
    }
  }
  result.merge = merges.size() == 1 ? *merges.begin() : &undo.last();
  result.is_whole = merges.size() <= 1 && has_all_files(*result.merge, result.texts);
  // Of a tensor that this merge leaves alone the base is what it should be.
  std::erase_if(result.tensors, [&](const tensor_condition& each) {
    const auto& list = candidates.at(each.tensor->name);
    const bool is_its = std::ranges::find(list, result.merge, &candidate::merge) != list.end();
    return !is_its && each.state == tensor_state::base;
  });
  return result;
}

}  // namespace revlora::tool
