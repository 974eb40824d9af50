// Writes an undo file, section by section.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "files/file.hpp"
#include "files/sha256.hpp"
#include "undo/undo_file.hpp"
#include "undo/undo_section.hpp"

namespace revlora::tool {

class undo_writer {
 public:
  /// Begins a new file, which is not finished.
  static undo_writer begin(file target);
  /// Goes on where the last whole section that is to stay ends: from then on the file is not
  /// finished.
  static undo_writer go_on(file target, std::uint64_t whole_bytes);

  const file& content() const { return file_; }
  /// Where the next section, or more of the present one, will be.
  std::uint64_t size() const { return end_; }

  /// Adds to the body of the present section, and says where it is in the file.
  file_range append(std::span<const std::byte> bytes);
  /// Ends the present section, whose ranges are what append() returned.
  void end_section(const undo_section& section);
  /// Adds sections as they are in another undo file.
  void append_sections(const file& from, std::uint64_t begin, std::uint64_t size);
  /// Leaves out what was appended since the last section ended.
  void drop_section();
  /// Leaves out all behind so many bytes, which end with a section.
  void cut(std::uint64_t whole_bytes);
  /// Where the body of the present section begins.
  std::uint64_t body_begin() const;

  /// Returns when all so far is on disk.
  void flush() const { file_.flush(); }
  /// Marks the file as finished.
  void finish();

 private:
  explicit undo_writer(file target, std::uint64_t end)
      : file_(std::move(target)), section_(end), end_(end) {}

  void mark(std::uint64_t total);

  file file_;
  std::uint64_t section_;  ///< where the present section begins
  std::uint64_t end_;
  sha256_stream digest_;  ///< of the present section
};

}  // namespace revlora::tool
