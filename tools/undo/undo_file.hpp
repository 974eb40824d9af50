// The undo file: how the tensors of a merged model get back to the base. It grows with the merge,
// section by section: each is on disk before the file of the model that it leads back from takes
// its place.
//
//   8 bytes   "revlora\n"
//   u32       format version, 2
//   u32       0
//   u64       size of all that is whole, once a merge is done; 0 while one is at work
//   sections, each:
//     u64       size of its body
//     u64       size of its header
//     body      records, kept rows and factors of one file of the model
//     header    JSON: what the section is, and where in its body what is (undo_section.hpp)
//     32 bytes  SHA-256 of body, header and the two sizes
//
// Integers are little-endian. What follows the last whole section of an unfinished file was
// interrupted, and means nothing: the file of the model that it would have belonged to is as it was
// before. A section "merge" begins a merge, or a swap of what an earlier one merged for something
// else; the sections of files after it are of that; for a tensor the last one that fits it counts.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "files/file.hpp"
#include "undo/undo_content.hpp"

namespace revlora::tool {

class undo_file {
 public:
  static constexpr std::uint64_t preamble_bytes = 8 + 4 + 4 + 8;
  static constexpr std::uint32_t format_version = 2;

  /// Reads all but records, kept rows and factors, and checks all of it. Throws a problem that
  /// begins with the file's name if it is no undo file, one of another version, truncated, damaged
  /// or forged. Whatever it returns obeys this: paths are absolute and without NUL, names of files
  /// are relative and lead nowhere else, dtypes are known, windows lie in their tensors and do not
  /// overlap, ranges lie in the file, and everything that is counted fits together.
  static undo_file read(const file& opened);

  /// The merges in order: the last is what the model is, or was about to become; there is one.
  const std::vector<undo_merge>& merges() const { return merges_; }
  const undo_merge& last() const { return merges_.back(); }
  /// Whether its last merge was done to the end.
  bool is_finished() const { return is_finished_; }
  /// Where the last whole section ends.
  std::uint64_t whole_bytes() const { return whole_bytes_; }

  /// Whether a file that starts with these bytes, 8 of them or more, may be an undo file.
  static bool begins_like_one(std::span<const std::byte> start);

 private:
  std::vector<undo_merge> merges_;
  bool is_finished_ = false;
  std::uint64_t whole_bytes_ = preamble_bytes;
};

}  // namespace revlora::tool
