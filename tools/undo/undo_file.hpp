// The undo file: how the tensors of a merged model get back to the base.
//
//   8 bytes   "revlora\n"
//   u32       format version, 1
//   u64       size of the whole file
//   u64       size of the header
//   header    JSON: the model's path; the adapters, each with its path and the user's strength; the
//             files that the merge changed, each with its file_identity; the tensors, each with its
//             file, name, dtype, shape, how many weights the merge changed, and the size of its
//             record
//   records   the library's undo records, in the order of the tensors
//   32 bytes  SHA-256 of all before it
//
// Integers are little-endian. What the records of the adapters are to be is in the records: each
// has the fingerprints of its adapters, and the checksums of the base and of the merged weights.
// Earlier undo files have no list of files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "files/file_identity.hpp"
#include "revlora/undo_record.hpp"

namespace revlora::tool {

struct merged_adapter {
  std::filesystem::path path;  ///< absolute
  double strength;             ///< what the user asked for
};

struct merged_tensor {
  std::string file;  ///< name of the shard
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t changed;  ///< how many of its weights the merge changed
  undo_record record;
};

struct undo_file {
  std::filesystem::path model;  ///< absolute path of what was merged, file or folder
  std::vector<merged_adapter> adapters;
  std::vector<file_identity> files;  ///< may be empty: earlier undo files have no such list
  std::vector<merged_tensor> tensors;

  /// The paths and names have to be such that require_utf8() and check_file_name() let them pass.
  std::vector<std::byte> to_bytes() const;
  /// Whatever it returns obeys this: paths are absolute and without NUL, file names plain, dtypes
  /// known and those of the records, the records' extents those that matrix_of() finds, no name
  /// twice, as many fingerprints as adapters at most, as many changed weights as there are at most.
  /// Throws a problem that begins with `source` if the bytes are no undo file, one of a later
  /// version, truncated, damaged or forged.
  static undo_file from_bytes(std::span<const std::byte> bytes, const std::string& source);
  /// Throws what from_bytes would, if a file of this size that starts with these bytes is no undo
  /// file or not whole: for before it is read.
  static constexpr std::uint64_t start_bytes = 20;
  static void check_start(std::span<const std::byte> start, std::uint64_t file_bytes,
                          const std::string& source);
  /// Whether a file that starts with these bytes, 8 of them or more, may be an undo file.
  static bool begins_like_one(std::span<const std::byte> start);
};

}  // namespace revlora::tool
