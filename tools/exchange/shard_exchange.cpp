#include "exchange/shard_exchange.hpp"

#include <algorithm>
#include <memory>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "safetensors/dtype.hpp"

namespace revlora::tool {

namespace {

constexpr std::uint64_t most_copied_at_once = 16 << 20;

/// Kept from piece to piece: a page that is new costs more than the work on it.
thread_local std::vector<std::byte> bytes_of_this_thread;

/// Whether both cut the tensor alike, and it keeps its size.
bool are_cut_alike(const undo_tensor& merged, const tensor_goal& goal) {
  const auto is_alike = [](const undo_window& a, const goal_window& b) {
    return a.begin == b.begin && a.rows == b.rows && a.cols == b.cols && a.base_rows == a.rows;
  };
  return merged.shape == goal.shape && !merged.is_new && !goal.is_new &&
         std::ranges::equal(merged.windows, goal.windows, is_alike);
}

}  // namespace

undo_shard shard_exchange::run(const shard_job& job, const file& to) {
  const shard_layout layout = layout_of(model_, job, undo_);
  from_ = &model_.file_of(job.shard).content();
  to_ = &to;
  is_clone_ = layout.is_same && to.try_clone_from(*from_);
  undo_shard log;
  if (layout.base_start != layout.start && log_ != nullptr) {
    log.base_header = log_->append(layout.base_start);
    log.base_bytes = layout.base_bytes;
    log.merged_header = sha256_of(layout.start);
  }
  if (layout.is_same) {
    copy(0, layout.data_begin, 0);
  } else {
    to.write(layout.start, 0);
  }
  std::uint64_t end = layout.data_begin;
  for (const tensor_place& place : layout.tensors) {
    const located_tensor* const now = model_.find(place.name);
    if (layout.is_same) copy(end, place.begin - end, end);  // padding of GGUF
    end = place.begin + place.size;
    const auto wanted = job.tensors.find(place.name);
    if (wanted == job.tensors.end()) {
      copy(now->entry.begin, now->entry.size_bytes(), place.begin);
    } else {
      exchange(now, wanted->second, place);
    }
  }
  if (layout.is_same) copy(end, from_->size() - end, end);
  team_.run(std::move(pieces_));
  for (tensor_at_work& each : tensors_) {
    if (each.job.goal && log_ != nullptr) log.tensors.push_back(std::move(each.log));
  }
  return log;
}

void shard_exchange::exchange(const located_tensor* now, const tensor_job& job,
                              const tensor_place& place) {
  tensor_at_work& at_work = tensors_.emplace_back(
      job,
      [this, &job](std::size_t number) {
        return kept_->load(job.merged->factors[number], *job.merged_by);
      },
      job.goal ? job.goal->load : factor_shelf::reader());
  if (job.goal) {
    undo_tensor& log = at_work.log;
    log.name = job.goal->name;
    log.dtype = job.goal->dtype;
    log.shape = job.goal->shape;
    log.is_new = job.goal->is_new;
    if (!log.is_new) log.base_shape = place.base_shape;
    log.recipe = job.goal->recipe;
    log.factors = job.goal->factors;
  }
  const bool is_by_windows = now != nullptr && (job.merged == nullptr || !job.goal ||
                                                are_cut_alike(*job.merged, *job.goal));
  if (is_by_windows) {
    exchange_by_windows(*now, at_work, place.begin);
  } else {
    exchange_whole(now, at_work, place);
  }
}

void shard_exchange::exchange_by_windows(const located_tensor& now, tensor_at_work& at_work,
                                         std::uint64_t to) {
  const tensor_job& job = at_work.job;
  const std::uint64_t size = *size_of_dtype(now.entry.dtype);
  const std::uint64_t from = now.entry.begin;
  const std::uint64_t now_elements = now.entry.element_count();
  const std::size_t count = job.goal ? job.goal->windows.size() : job.merged->windows.size();
  std::uint64_t done = 0;  // elements, of the tensor as it is now
  for (std::size_t i = 0; i < count; ++i) {
    const goal_window* const wanted = job.goal ? &job.goal->windows[i] : nullptr;
    const undo_window* const merged = job.merged != nullptr ? &job.merged->windows[i] : nullptr;
    const std::uint64_t begin = wanted != nullptr ? wanted->begin : merged->begin;
    const std::uint64_t elements =
        wanted != nullptr ? wanted->rows * wanted->cols : merged->rows * merged->cols;
    const std::uint64_t there = std::min(elements, now_elements - std::min(begin, now_elements));
    copy(from + done * size, (begin - done) * size, to + done * size);
    done = begin + there;
    const auto reached = std::make_shared<reached_window>();
    pieces_.push_back({[=, this, &at_work] {
                         std::vector<std::byte>& bytes = bytes_of_this_thread;
                         bytes.resize(there * size);
                         from_->read(bytes, from + begin * size);
                         if (merged != nullptr) lead_back(bytes, at_work, *merged);
                         if (wanted != nullptr) {
                           *reached =
                               reach(bytes, *at_work.job.goal, *wanted, at_work.goal_factors);
                         }
                         to_->write(bytes, to + begin * size);
                       },
                       [=, this, &at_work] {
                         if (wanted != nullptr) note(*reached, at_work);
                         *reached = {};
                         if (i + 1 == count) at_work.let_go();
                         bar_.advance(elements * size);
                       }});
  }
  copy(from + done * size, (now_elements - done) * size, to + done * size);
}

void shard_exchange::exchange_whole(const located_tensor* now, tensor_at_work& at_work,
                                    const tensor_place& place) {
  const auto reached = std::make_shared<std::vector<reached_window>>();
  const auto work = [=, this, &at_work, to = place.begin] {
    const tensor_job& job = at_work.job;
    std::vector<std::byte> whole, part;
    if (now != nullptr) {
      whole.resize(now->entry.size_bytes());
      from_->read(whole, now->entry.begin);
    }
    const auto take = [&](std::uint64_t begin, std::uint64_t count, std::uint64_t end) {
      const std::uint64_t first = std::min(begin, end);
      const std::uint64_t last = std::min(begin + count, end);
      part.assign(whole.begin() + static_cast<std::ptrdiff_t>(first),
                  whole.begin() + static_cast<std::ptrdiff_t>(last));
    };
    const auto put = [&](std::uint64_t begin) {
      std::copy(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin));
    };
    if (job.merged != nullptr) {
      const std::uint64_t size = *size_of_dtype(job.merged->dtype);
      for (const undo_window& window : job.merged->windows) {
        take(window.begin * size, window.rows * window.cols * size, whole.size());
        lead_back(part, at_work, window);
        put(window.begin * size);
      }
      whole.resize(job.merged->is_new ? 0 : element_count(job.merged->base_shape) * size);
    }
    if (job.goal) {
      const std::uint64_t size = *size_of_dtype(job.goal->dtype);
      const std::uint64_t base_bytes = whole.size();
      whole.resize(element_count(job.goal->shape) * size);
      for (const goal_window& window : job.goal->windows) {
        take(window.begin * size, window.rows * window.cols * size, base_bytes);
        reached->push_back(reach(part, *job.goal, window, at_work.goal_factors));
        put(window.begin * size);
      }
    }
    to_->write(whole, to);
  };
  pieces_.push_back({work, [=, this, &at_work, size = place.size] {
                       for (const reached_window& each : *reached) note(each, at_work);
                       reached->clear();
                       at_work.let_go();
                       bar_.advance(size);
                     }});
}

void shard_exchange::lead_back(std::vector<std::byte>& bytes, tensor_at_work& at_work,
                               const undo_window& window) {
  const tensor_job& job = at_work.job;
  const auto failed = restore(bytes, *undo_, *job.merged, window, at_work.merged_factors);
  if (!failed) return;
  const std::string name = quoted(job.merged->name);
  if (!failed->adapter) throw problem(name + ": " + failed->reason);
  throw problem(
      quoted(kept_->path_of(*job.merged_by, *failed->adapter)) +
      " is not the adapter that was merged, or it was changed since (" + name +
      " does not fit), and the undo file was made without its factors: say with --adapter "
      "where it is as it was");
}

void shard_exchange::note(const reached_window& reached, tensor_at_work& at_work) {
  note_down(reached, at_work.log, embed_, log_, counts_);
}

void shard_exchange::copy(std::uint64_t from, std::uint64_t count, std::uint64_t to) {
  for (std::uint64_t done = 0; done < count; done += most_copied_at_once) {
    const std::uint64_t part = std::min(most_copied_at_once, count - done);
    pieces_.push_back({[=, this] {
                         if (!is_clone_) to_->copy_range_from(*from_, from + done, part, to + done);
                       },
                       [=, this] { bar_.advance(part); }});
  }
}

}  // namespace revlora::tool
