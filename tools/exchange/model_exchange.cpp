#include "exchange/model_exchange.hpp"

#include <algorithm>
#include <bit>
#include <exception>
#include <map>

#include "checkpoint/edited_index.hpp"
#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "safetensors/dtype.hpp"
#include "undo/record_in_file.hpp"

namespace revlora::tool {

namespace {

std::uint64_t bytes_of(const checkpoint& model, const exchange_jobs& jobs, bool with_others) {
  if (with_others) return model.size_bytes();
  std::uint64_t sum = 0;
  for (const shard_job& job : jobs.shards) sum += model.file_of(job.shard).size_bytes();
  return sum;
}

/// Of the files that are changed that which the fewest may read: an undo file may have its
/// permissions.
const file& most_private(const checkpoint& model, const exchange_jobs& jobs) {
  const auto readers = [&](const shard_job& job) {
    return std::popcount(model.file_of(job.shard).content().status().permissions());
  };
  return model.file_of(std::ranges::min_element(jobs.shards, {}, readers)->shard).content();
}

const undo_tensor* find_tensor(const undo_shard& shard, const std::string& name) {
  const auto found = std::ranges::find(shard.tensors, name, &undo_tensor::name);
  return found == shard.tensors.end() ? nullptr : &*found;
}

std::uint64_t bytes_of(const tensor_goal& goal) {
  return element_count(goal.shape) * *size_of_dtype(goal.dtype);
}

/// What an index has to say more of the tensors that are new or grow.
index_growth growth_of(const checkpoint& model, const exchange_jobs& jobs,
                       const located_index& index,
                       const std::map<std::string, std::uint64_t>& sizes) {
  index_growth growth;
  for (const shard_job& job : jobs.shards) {
    if (model.index_of(job.shard) != &index) continue;
    for (const auto& [name, wanted] : job.tensors) {
      if (!wanted.goal || wanted.merged != nullptr) continue;
      const auto before = sizes.find(name);
      const std::uint64_t more =
          bytes_of(*wanted.goal) - (before == sizes.end() ? 0 : before->second);
      growth.bytes += more;
      growth.numbers += more / *size_of_dtype(wanted.goal->dtype);
      if (before != sizes.end()) continue;
      growth.new_tensors.emplace(model.raw_name_of(job.shard, name), model.leaf_of(job.shard));
    }
  }
  return growth;
}

/// Of the tensors that are to be something else, as they are now.
std::map<std::string, std::uint64_t> sizes_of(const checkpoint& model, const exchange_jobs& jobs) {
  std::map<std::string, std::uint64_t> sizes;
  for (const shard_job& job : jobs.shards) {
    for (const auto& [name, wanted] : job.tensors) {
      if (const auto* now = model.find(name)) sizes[name] = now->entry.size_bytes();
    }
  }
  return sizes;
}

}  // namespace

bool grows(const checkpoint& model, const exchange_jobs& jobs, const located_index& index) {
  return growth_of(model, jobs, index, sizes_of(model, jobs)).bytes > 0;
}

void check_replaceable(const checkpoint& model, const exchange_jobs& jobs,
                       const destination& target) {
  for (const shard_job& job : jobs.shards) target.check_replaceable(job.shard);
  for (const located_index& index : model.indexes()) {
    const bool comes_back = std::ranges::any_of(
        jobs.texts, [&](const undo_text* each) { return each->file == index.name; });
    if (comes_back || grows(model, jobs, index)) target.check_replaceable(index);
  }
}

// ---- the exchange -------------------------------------------------------------------------------

exchange_result model_exchange::run(const exchange_jobs& jobs) {
  try {
    run_shards(jobs, nullptr);
    put_texts(jobs, nullptr);
  } catch (...) {
    lead_back(nullptr, std::current_exception());
  }
  try {
    target_.flush();
  } catch (const std::exception& error) {  // whatever it is, the model is at the base
    result_.trouble = reason_of(error);
  }
  return std::move(result_);
}

exchange_result model_exchange::run(const exchange_jobs& jobs, const undo_merge& merge,
                                    undo_target& log, const std::vector<stored_adapter>& adapters) {
  adapters_ = &adapters;
  log_ = &log;
  merge_ = &merge;
  undo_writer writer = log.open(most_private(model_, jobs));
  try {
    if (!is_going_on(merge)) {
      writer.end_section(merge);
    }
    run_shards(jobs, &writer);
    put_texts(jobs, &writer);
    if (!target_.is_in_place()) {
      writer.finish();
      if (options_.sync) writer.flush();
      check_adapters();
      log.publish(options_.sync);
      is_published_ = true;
      target_.finish();
    }
  } catch (...) {
    lead_back(&writer, std::current_exception());
  }
  try {
    if (target_.is_in_place()) {
      writer.finish();
      if (options_.sync) writer.flush();
    }
    target_.flush();
  } catch (const std::exception& error) {  // whatever it is, the model is what was asked for
    result_.trouble = reason_of(error);
  }
  result_.undo_bytes = writer.size();
  return std::move(result_);
}

bool model_exchange::is_going_on(const undo_merge& merge) const {
  return from_ != nullptr && &from_->content().last() == &merge;
}

void model_exchange::check_adapters() const {
  if (adapters_ == nullptr) return;
  for (const stored_adapter& each : *adapters_) each.check_unchanged();
}

void model_exchange::run_shards(const exchange_jobs& jobs, undo_writer* writer) {
  sizes_ = sizes_of(model_, jobs);  // some grow
  progress bar(options_.doing, bytes_of(model_, jobs, target_.makes_folder()));
  for (const shard_job& job : jobs.shards) {
    stop_if_interrupted();
    at_work_ = job.shard;
    const file made = target_.begin(job.shard);
    shard_exchange exchange(model_, from_ != nullptr ? &from_->opened() : nullptr, factors_, writer,
                            options_.embed, team_, bar);
    done_shard done{&job, exchange.run(job, made)};
    add(result_.counts, exchange.counts());
    done.log.identity = target_.identity_of(job.shard, made);
    const bool is_merge = writer != nullptr && !done.log.tensors.empty();
    if (is_merge) writer->end_section(done.log);
    if (target_.is_in_place()) {
      check_adapters();
      if (is_merge && options_.sync) writer->flush();
      if (writer != nullptr && !is_published_) {
        log_->publish(options_.sync);
        is_published_ = true;
      }
    }
    // Before, because behind it nothing may fail that would leave this file out.
    result_.files.push_back(done.log.identity);
    done_.push_back(std::move(done));
    try {
      target_.put(job.shard, made);
    } catch (...) {
      done_.pop_back();
      throw;
    }
    at_work_.reset();
    if (target_.is_in_place()) model_.reopen(job.shard);
  }
  if (target_.makes_folder()) copy_other_shards(jobs, bar);
  bar.finish();
}

void model_exchange::copy_other_shards(const exchange_jobs& jobs, progress& bar) {
  for (std::size_t shard = 0; shard < model_.shards().size(); ++shard) {
    if (std::ranges::find(jobs.shards, shard, &shard_job::shard) != jobs.shards.end()) continue;
    const file made = target_.begin(shard);
    const file& original = model_.file_of(shard).content();
    if (!made.try_clone_from(original)) made.copy_range_from(original, 0, original.size(), 0);
    bar.advance(original.size());
    target_.put(shard, made);
  }
}

void model_exchange::put_texts(const exchange_jobs& jobs, undo_writer* writer) {
  for (const located_index& index : model_.indexes()) {
    std::string text = index.read.text;
    const auto merged = std::ranges::find_if(
        jobs.texts, [&](const undo_text* each) { return each->file == index.name; });
    if (merged != jobs.texts.end()) {
      const auto base = read_range(from_->opened(), (*merged)->base);
      text.assign(reinterpret_cast<const char*>(base.data()), base.size());
    }
    const std::string base = text;
    const index_growth growth = growth_of(model_, jobs, index, sizes_);
    if (growth.bytes > 0) text = edited_index(text, growth, quoted(index.name));
    if (text == index.read.text) continue;
    if (growth.bytes > 0 && writer != nullptr) {
      const file_range kept = writer->append(std::as_bytes(std::span(base)));
      writer->end_section(undo_text{index.name, kept, sha256_of(std::as_bytes(std::span(text)))});
      if (options_.sync) writer->flush();
    }
    const file made = target_.begin_text(index);
    made.write(std::as_bytes(std::span(text)), 0);
    target_.put_text(index, made);
  }
}

// ---- after an error -----------------------------------------------------------------------------

void model_exchange::lead_back(undo_writer* writer, std::exception_ptr failure) {
  const bool is_changed = target_.is_in_place() && !done_.empty();
  std::string reason;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    reason = reason_of(error);
  }
  const uninterrupted until_done;
  try {
    if (writer != nullptr) writer->drop_section();
    if (is_changed) change_back(writer);
    if (writer != nullptr && (is_published_ || from_ != nullptr)) {
      log_->take_back(*writer, options_.sync);
    }
  } catch (const std::exception& error) {
    if (is_changed) {
      throw partly_done(reason + " (and the way back failed: " + reason_of(error) + "; " +
                        std::to_string(done_.size()) +
                        " files are changed: `revlora unmerge` brings all to the base)");
    }
  }
  if (!is_changed) std::rethrow_exception(failure);
  try {
    std::rethrow_exception(failure);
  } catch (const interrupted&) {
    throw;
  } catch (const std::exception&) {
    throw problem(reason +
                  ": what was changed until then was changed back, the model is as it was");
  }
}

void model_exchange::change_back(undo_writer* writer) {
  if (at_work_) target_.discard(*at_work_);
  const file& log = writer != nullptr ? writer->content() : from_->opened();
  kept_factor_reader factors(log);
  progress bar("leading back", 0);
  while (!done_.empty()) {
    const done_shard& done = done_.back();
    model_.reopen(done.job->shard);  // it may be that which failed
    shard_job back{done.job->shard, {}};
    for (const auto& [name, job] : done.job->tensors) {
      tensor_job reverse;
      if (job.goal) {
        reverse.merged = find_tensor(done.log, name);
        reverse.merged_in = &done.log;
        reverse.merged_by = merge_;
      }
      if (job.merged != nullptr) {
        reverse.goal = goal_of(*job.merged, *job.merged_by, *factors_);
        if (!reverse.goal) {
          throw problem("the values that replaced some of " + quoted(name) +
                        " are not in the undo file");
        }
      }
      back.tensors.emplace(name, std::move(reverse));
    }
    const file made = target_.begin(back.shard);
    shard_exchange(model_, &log, &factors, nullptr, false, team_, bar).run(back, made);
    target_.put(back.shard, made);
    model_.reopen(back.shard);
    done_.pop_back();
  }
}

}  // namespace revlora::tool
