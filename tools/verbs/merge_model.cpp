#include "verbs/merge_model.hpp"

#include <iostream>

#include "checkpoint/destination.hpp"
#include "console/interruption.hpp"
#include "console/progress.hpp"
#include "console/report.hpp"
#include "console/text.hpp"
#include "files/file_name.hpp"
#include "formats/formats.hpp"
#include "plan/plan.hpp"
#include "revlora/merge.hpp"
#include "undo/undo_file.hpp"
#include "undo/undo_place.hpp"

namespace revlora::tool {

namespace {

/// Merges all planned tensors, and collects their records.
void merge_tensors(const merge_plan& plan, destination& target, undo_file& undo,
                   merge_result& result) {
  progress bar("merging", plan.weight_bytes());
  const file* copy = nullptr;
  std::optional<std::size_t> shard;
  for (const planned_tensor& planned : plan.tensors()) {
    if (planned.shard != shard) copy = &target.begin(planned.shard);
    shard = planned.shard;
    stop_if_interrupted();
    std::vector<std::byte> bytes(planned.entry.size_bytes());
    copy->read(bytes, planned.entry.begin);
    const auto factors = plan.factors_of(planned);
    undo_record record;
    const merge_report report = merge(planned.shape.over(bytes), views_of(factors), record);
    copy->write(bytes, planned.entry.begin);
    const auto changed = static_cast<std::uint64_t>(report.changed);
    result.changed += changed;
    result.not_finite += static_cast<std::uint64_t>(report.became_not_finite);
    undo.tensors.push_back({target.name_of(planned.shard), planned.name, planned.entry.dtype,
                            planned.entry.shape, changed, std::move(record)});
    bar.advance(planned.entry.size_bytes());
  }
}

}  // namespace

double merge_result::bits_per_weight() const {
  return 8 * static_cast<double>(undo_bytes) / static_cast<double>(weights);
}

merge_result merge_model(const merge_request& request) {
  model_place where = find_model(request.model);
  // An undo file could not name them, and would not be written after all the work.
  require_utf8(where.path(), "the model");
  const folder_lock lock(where.home,
                         request.out ? file::lock_kind::shared : file::lock_kind::exclusive);
  if (request.out) {
    report_left_overs(where.home);
  } else {
    remove_left_overs(where.home);
  }

  const checkpoint model(std::move(where));
  const auto adapters = read_adapters(request.adapters);
  for (const stored_adapter& each : adapters) require_utf8(each.path, "the adapter");
  const merge_plan plan(model, adapters, std::vector<double>(adapters.size(), request.strength));
  destination target(model, request.out, request.force);
  require_utf8(target.path(), "the new model");
  if (request.out) remove_left_overs(target.home());
  for (const planned_tensor& planned : plan.tensors()) {
    check_file_name(target.name_of(planned.shard),
                    "an undo file could not name a file of the model, so rename it: its name");
  }
  undo_place undo_at({request.undo, request.overwrite_undo, request.force}, model, target);

  merge_result result;
  undo_file undo;
  undo.model = target.path();
  for (const stored_adapter& each : adapters)
    undo.adapters.push_back({each.path, request.strength});
  merge_tensors(plan, target, undo, result);
  undo.files = target.identities();
  const auto bytes = undo.to_bytes();
  // What it says now it has to say when it is needed.
  undo_file::from_bytes(bytes, quoted(undo_at.path()));
  undo_at.write(bytes, target);
  target.finish();
  for (const stored_adapter& each : adapters) each.check_unchanged();

  result.model = target.path();
  result.undo = undo_at.path();
  result.tensors = plan.tensors().size();
  result.weights = plan.weight_count();
  result.undo_bytes = bytes.size();
  undo_at.publish();
  try {
    target.publish();
  } catch (const partly_done&) {
    throw;
  } catch (...) {
    undo_at.take_back();
    throw;
  }
  try {
    target.flush();
  } catch (const std::exception& error) {  // whatever it is, the model is merged
    result.trouble = reason_of(error);
  }

  return result;
}

exit_status run_merge(const merge_request& request) {
  const merge_result result = merge_model(request);
  return report_done("the model is merged", result.trouble, [&] {
    std::cout << "merged " << counted(request.adapters.size(), "adapter") << " into "
              << counted(result.tensors, "tensor") << " of " << printable(result.model) << '\n'
              << describe_count(result.changed) << " of " << describe_count(result.weights)
              << " weights changed\n"
              << "undo file: " << printable(result.undo) << " ("
              << describe_bytes(result.undo_bytes) << ", "
              << describe_number(result.bits_per_weight(), 3) << " bits per weight)\n";
    if (result.not_finite > 0) {
      note(counted(result.not_finite, "weight") + " became infinite or NaN");
    }
  });
}

}  // namespace revlora::tool
