#include "merge.hpp"

#include <cstring>
#include <iostream>

#include "destination.hpp"
#include "plan.hpp"
#include "problem.hpp"
#include "progress.hpp"
#include "revlora/merge.hpp"
#include "undo_file.hpp"
#include "undo_state.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

std::uint64_t count_changed(std::span<const std::byte> before, std::span<const std::byte> after,
                            std::size_t element_bytes) {
  std::uint64_t changed = 0;
  for (std::size_t i = 0; i < before.size(); i += element_bytes) {
    changed += std::memcmp(before.data() + i, after.data() + i, element_bytes) != 0;
  }
  return changed;
}

/// Merges all planned tensors of one shard after another, and collects their records.
void merge_shards(const checkpoint& model, const merge_plan& plan, destination& target,
                  undo_file& undo, merge_result& result) {
  progress bar("merging", plan.weight_bytes());
  auto next = plan.tensors().begin();
  while (next != plan.tensors().end()) {
    const std::size_t shard = next->shard;
    const safetensors_file original(model.path_of(shard));
    working_copy& copy = target.begin(shard);
    for (; next != plan.tensors().end() && next->shard == shard; ++next) {
      const auto bytes = copy.bytes().subspan(next->entry.begin, next->entry.size_bytes());
      const auto factors = plan.factors_of(*next);
      undo_record record;
      with_matrix(bytes, next->shape, [&](auto weights) {
        result.not_finite += merge(weights, views_of(factors), record);
      });
      const std::uint64_t changed =
          count_changed(original.bytes_of(next->entry), bytes, size_of(next->shape.type));
      result.changed += changed;
      undo.tensors.push_back({model.shards()[shard], next->name, next->entry.dtype,
                              next->entry.shape, changed, std::move(record)});
      bar.advance(next->entry.size_bytes());
    }
    copy.finish();
  }
}

}  // namespace

double merge_result::bits_per_weight() const {
  return 8 * static_cast<double>(undo_bytes) / static_cast<double>(weights);
}

merge_result merge_model(const merge_request& request) {
  const bool in_place = !request.out;
  if (!fs::exists(request.model)) {
    throw problem("'" + request.model.string() + "' does not exist");
  }
  const fs::path folder =
      fs::is_directory(request.model) ? request.model : folder_of(request.model);
  const folder_lock lock(folder,
                         in_place ? folder_lock::kind::exclusive : folder_lock::kind::shared);

  const checkpoint model(request.model);
  const auto adapters = load_adapters(request.adapters);
  const merge_plan plan(model, adapters, std::vector<double>(adapters.size(), request.strength));
  destination target(model, request.out);
  merge_result result;
  result.model = target.path();
  result.undo =
      fs::absolute(request.undo.value_or(default_undo_path(target.path(), model.is_folder())))
          .lexically_normal();
  if (result.undo == target.path()) throw problem("the undo file cannot be the model itself");
  check_undo_place(result.undo, model, target.path());

  undo_file undo;
  undo.model = target.path();
  for (const peft_adapter& adapter : adapters) {
    undo.adapters.push_back({adapter.folder(), request.strength});
  }
  merge_shards(model, plan, target, undo, result);
  const auto bytes = undo.to_bytes();
  target.write_undo_file(result.undo, bytes);
  target.publish();

  result.tensors = plan.tensors().size();
  result.weights = plan.weight_count();
  result.undo_bytes = bytes.size();
  return result;
}

void run_merge(const merge_request& request) {
  const merge_result result = merge_model(request);
  std::cout << "merged " << request.adapters.size()
            << (request.adapters.size() == 1 ? " adapter" : " adapters") << " into "
            << result.tensors << " tensors of " << result.model.string() << '\n'
            << describe_count(result.changed) << " of " << describe_count(result.weights)
            << " weights changed\n"
            << "undo file: " << result.undo.string() << " (" << describe_bytes(result.undo_bytes)
            << ", " << describe_number(result.bits_per_weight(), 3) << " bits per weight)\n";
  if (result.not_finite > 0) {
    note(describe_count(static_cast<std::uint64_t>(result.not_finite)) +
         " weights became infinite or NaN");
  }
}

}  // namespace revlora::tool
