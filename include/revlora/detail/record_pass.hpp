// The passes that write an undo record and that follow one back.
//
// A panel's code is made in scratch and appended to the record's arena when the panel is merged.
// When memory for it runs out, the panels merged so far are restored from what was recorded: a
// merge happens whole or not at all.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "bits.hpp"
#include "panel_decoder.hpp"
#include "panel_encoder.hpp"
#include "pass.hpp"
#include "record_format.hpp"

namespace revlora::inline v0::detail {

/// Whether there was memory for what `work` does.
template <class Work>
bool had_memory(const Work& work) {
  try {
    work();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// Scratch of the panels under way: as many as an executor runs at a time.
class scratch_pool {
 public:
  /// Throws std::bad_alloc.
  template <element T>
  panel_scratch take(std::ptrdiff_t cols) {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        panel_scratch scratch = std::move(free_.back());
        free_.pop_back();
        return scratch;
      }
    }
    return panel_scratch::for_width<T>(cols);
  }
  void give_back(panel_scratch scratch) {
    const std::lock_guard lock(mutex_);
    had_memory([&] { free_.push_back(std::move(scratch)); });  // else it is freed
  }

 private:
  std::mutex mutex_;
  std::vector<panel_scratch> free_;
};

/// Appends the code of panels as they are finished.
class arena_writer {
 public:
  explicit arena_writer(std::vector<std::byte>& arena) : arena_(arena) {}

  /// Throws std::bad_alloc, the arena as it was.
  void append(panel_entry& panel, std::span<const std::byte> exceptions,
              std::span<const std::byte> codes) {
    std::byte length[varint_max];
    std::byte* length_end = length;
    if (!exceptions.empty()) length_end = put_varint(length, exceptions.size());
    const auto length_size = static_cast<std::size_t>(length_end - length);

    const std::lock_guard lock(mutex_);
    const std::size_t offset = arena_.size();
    const std::size_t size = length_size + exceptions.size() + codes.size();
    if (arena_.capacity() < offset + size)
      arena_.reserve(std::max(offset + size, 2 * arena_.capacity()));
    arena_.insert(arena_.end(), length, length_end);
    arena_.insert(arena_.end(), exceptions.begin(), exceptions.end());
    arena_.insert(arena_.end(), codes.begin(), codes.end());
    panel.offset = offset;
    panel.size = size;
    panel.has_exceptions = !exceptions.empty();
  }

 private:
  std::mutex mutex_;
  std::vector<std::byte>& arena_;
};

/// Turns a merged panel into what it was; returns its checksum.
template <class Arch, class Code, class Delta, element T>
std::uint64_t restore_panel(const Delta& deltas, matrix_view<T> w, std::ptrdiff_t panel,
                            std::span<const std::byte> exceptions,
                            std::span<const std::byte> codes) {
  panel_decoder<Arch, T, Code> decoder(codes, exceptions);
  for_each_delta(deltas, w, panel,
                 [&](std::ptrdiff_t index, weight_block<T> block, const float* d) {
                   decoder.visit(index, block, d);
                 });
  return panel_checksums(decoder.base(), panel).wide;
}

/// Restores the finished panels, whose codes are in `codes`; returns the checksum of the matrix.
template <class Arch, class Code, class Delta, element T, executor Executor>
std::uint64_t restore_pass(const Delta& deltas, matrix_view<T> w,
                           const std::vector<panel_entry>& panels, std::span<const std::byte> bytes,
                           const Executor& executor) {
  std::atomic<std::uint64_t> base = 0;
  for_each(executor, panels_of(w.rows, w.cols), [&](std::ptrdiff_t panel) {
    const panel_entry& entry = panels[static_cast<std::size_t>(panel)];
    if (entry.size == panel_entry::unfinished) return;
    byte_reader in(bytes.subspan(entry.offset, entry.size));
    const auto exceptions = in.take(entry.has_exceptions ? in.get_varint() : 0);
    base += restore_panel<Arch, Code>(deltas, w, panel, exceptions, in.rest());
  });
  return base;
}

/// W ← round(W + D), and `record` (whose header is filled in) leads back. Returns how many weights
/// became infinite or NaN. Throws std::bad_alloc, W as it was and the record empty.
template <class Arch, class Code, class Delta, element T, executor Executor>
std::int64_t record_pass(const Delta& deltas, matrix_view<T> w, record_contents& record,
                         const Executor& executor) {
  const std::ptrdiff_t panels = panels_of(w.rows, w.cols);
  record.panels.assign(static_cast<std::size_t>(panels), {});
  record.arena.clear();
  scratch_pool pool;
  arena_writer arena(record.arena);
  std::atomic<std::uint64_t> base = 0;
  std::atomic<std::int64_t> became = 0;
  std::atomic<bool> failed = false;

  for_each(executor, panels, [&](std::ptrdiff_t panel) {
    panel_entry& entry = record.panels[static_cast<std::size_t>(panel)];
    panel_scratch scratch;
    if (failed || !had_memory([&] { scratch = pool.take<T>(w.cols); })) {
      failed = true;
      return;
    }
    panel_encoder<Arch, T, Code> encoder(scratch);
    for_each_delta(deltas, w, panel,
                   [&](std::ptrdiff_t index, weight_block<T> block, const float* d) {
                     encoder.visit(index, block, d);
                   });
    if (had_memory([&] { arena.append(entry, encoder.exceptions(), encoder.codes()); })) {
      entry.merged_checksum = panel_checksums(encoder.merged(), panel).narrow;
      base += panel_checksums(encoder.base(), panel).wide;
      became += encoder.became_not_finite();
    } else {
      restore_panel<Arch, Code>(deltas, w, panel, encoder.exceptions(), encoder.codes());
      failed = true;
    }
    pool.give_back(std::move(scratch));
  });

  record.base_checksum = base;
  if (failed || !had_memory([&] { write_record(record); })) {
    restore_pass<Arch, Code>(deltas, w, record.panels, record.arena, executor);
    record.bytes.clear();
    throw std::bad_alloc();
  }
  return became;
}

/// The record of a merge without adapters, which changes nothing.
template <element T, executor Executor>
void record_unchanged(matrix_view<T> w, record_contents& record, const Executor& executor) {
  record.panels.assign(static_cast<std::size_t>(panels_of(w.rows, w.cols)), {});
  record.arena.clear();
  record.base_checksum =
      checksum_pass<T>(w, executor, [&](std::ptrdiff_t panel, const panel_checksums& checksums) {
        panel_entry& entry = record.panels[static_cast<std::size_t>(panel)];
        entry.size = 0;
        entry.merged_checksum = checksums.narrow;
      });
  write_record(record);
}

}  // namespace revlora::inline v0::detail
