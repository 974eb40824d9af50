// What an undo file knows, part by part: how the tensors of a merged model get back to the base.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "files/file_identity.hpp"
#include "files/sha256.hpp"
#include "revlora/adapter.hpp"

namespace revlora::tool {

/// Bytes in the undo file, from its start.
struct file_range {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;

  bool operator==(const file_range&) const = default;
};

/// One matrix in a file of an adapter that is kept elsewhere: a stored_matrix, its file by name.
struct matrix_elsewhere {
  std::string file;
  std::string dtype;
  std::uint64_t begin, rows, cols, row_stride, col_stride;

  bool operator==(const matrix_elsewhere&) const = default;
};

/// The factors of one update, `rows × rank` and `rank × cols` of one type.
struct kept_factors {
  std::size_t adapter;  ///< number in undo_merge::adapters
  element_type type;
  std::uint64_t rows, rank, cols;
  float strength;
  /// B and then A, each row by row; or else where they were read.
  std::optional<file_range> embedded;
  std::vector<matrix_elsewhere> elsewhere;  ///< B, A, and a core if there is one
};

struct window_update {
  std::size_t factors;      ///< number in undo_tensor::factors
  std::uint64_t first_row;  ///< of B, that belongs to the first row of the window

  bool operator==(const window_update&) const = default;
};

/// Some rows, one behind the other.
struct row_run {
  std::uint64_t first, count;

  bool operator==(const row_run&) const = default;
};

/// A part of a tensor, `rows × cols` elements from element `begin` on. Back to the base: first by
/// the record, then the kept rows are put in their places, then rows that the base has not are cut.
struct undo_window {
  std::uint64_t begin, rows, base_rows, cols;
  std::vector<window_update> updates;  ///< none: there is no record
  file_range record;
  std::uint64_t changed = 0;       ///< how many of its weights the merge changed
  std::vector<row_run> kept_rows;  ///< ascending, below base_rows
  file_range kept;                 ///< their bytes at the base
  /// SHA-256 of all of its bytes; only of windows with replaced rows, others have a record.
  std::optional<sha256_digest> base, merged;
};

struct undo_tensor {
  std::string name;  ///< as the checkpoint finds it
  std::string dtype;
  std::vector<std::uint64_t> base_shape;
  std::vector<std::uint64_t> shape;  ///< as merged
  bool is_new = false;               ///< the base has no such tensor
  revlora::recipe recipe = revlora::recipe::fused;
  std::vector<kept_factors> factors;
  std::vector<undo_window> windows;  ///< ascending, disjoint; what is between them is the base
};

/// A file of the model that the merge changed.
struct undo_shard {
  std::uint64_t section_begin = 0;  ///< where it stands in the undo file
  file_identity identity;
  /// The start of the file at the base up to its tensors, where the merge made another one, the
  /// size of that file, and the SHA-256 of the start that the merge made.
  std::optional<file_range> base_header;
  std::uint64_t base_bytes = 0;
  std::optional<sha256_digest> merged_header;
  std::vector<undo_tensor> tensors;
};

/// A text beside the shards that the merge changed: an index.
struct undo_text {
  std::string file;
  file_range base;
  sha256_digest merged;
};

struct merged_adapter {
  std::filesystem::path path;  ///< absolute
  double strength;             ///< what the user asked for
};

/// One merge, or a swap: its shards in the order in which they were changed.
struct undo_merge {
  std::filesystem::path model;  ///< absolute path of what was merged, file or folder
  std::vector<merged_adapter> adapters;
  std::uint64_t time = 0;          ///< when it was begun, in seconds since 1970
  std::vector<std::string> files;  ///< what it is to change, all of it
  std::vector<undo_shard> shards;  ///< what it has changed, or was about to
  std::vector<undo_text> texts;
};

}  // namespace revlora::tool
