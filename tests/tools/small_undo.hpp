// A small undo file that has something of everything: two adapters merged into a tensor of two rows
// and three columns, one whose factors are in it and one whose are elsewhere; a tensor that got a
// row and of which a row was replaced; an index; and an unmerge.
#pragma once

#include <string>
#include <vector>

#include "../undo_frames.hpp"
#include "revlora/merge.hpp"
#include "undo/undo_file.hpp"
#include "undo/undo_writer.hpp"

namespace revlora::tool::test {

inline undo_merge small_merge() {
  undo_merge merge;
  merge.model = "/models/model";
  merge.adapters = {{"/adapters/one", 0.1}, {"/adapters/two", -1.0 / 3}};
  merge.time = 1700000000;
  merge.files = {"text/model.safetensors", "index.json"};
  return merge;
}

inline std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

inline undo_record small_record() {
  std::vector<float> weights = {1, 2, 3, 4, 5, 6};
  const std::vector<float> b = {0.1f, 0.2f};
  const std::vector<float> a = {1, 2, 3};
  const low_rank one(matrix_view<const float>(b.data(), 2, 1),
                     matrix_view<const float>(a.data(), 1, 3), 0.3f);
  const std::vector<low_rank> both = {one, one};
  undo_record record;
  merge(matrix_view<float>(weights.data(), 2, 3), adapter_list(both, recipe::rounded_delta),
        record);
  return record;
}

inline undo_shard write_small_shard(undo_writer& writer) {
  undo_shard shard;
  shard.identity = {"text/model.safetensors", 2049, ~std::uint64_t{0}, 3, 4, 5};
  shard.base_header = writer.append(bytes_of("the start of a file"));
  shard.base_bytes = 12345;
  shard.merged_header = sha256_of(bytes_of("another start"));

  kept_factors embedded{0, element_type::fp32, 2, 1, 3, 0.03f, {}, {}};
  embedded.embedded = writer.append(bytes_of(std::string(20, 'f')));
  kept_factors elsewhere{1, element_type::bf16, 2, 1, 3, -1.5f, {}, {}};
  elsewhere.elsewhere = {{"a.safetensors", "BF16", 100, 2, 1, 1, 1},
                         {"a.safetensors", "BF16", 104, 1, 3, 3, 1}};
  undo_window merged{};
  merged.rows = merged.base_rows = 2;
  merged.cols = 3;
  merged.updates = {{0, 0}, {1, 0}};
  merged.record = writer.append(small_record().bytes());
  merged.changed = 6;
  shard.tensors.push_back({"a \"b\" ü",
                           "F32",
                           {2, 3},
                           {2, 3},
                           false,
                           recipe::rounded_delta,
                           {embedded, elsewhere},
                           {merged}});

  undo_window grown{};
  grown.rows = 3;
  grown.base_rows = 2;
  grown.cols = 3;
  grown.changed = 6;
  grown.kept_rows = {{1, 1}};
  grown.kept = writer.append(bytes_of(std::string(12, 'k')));
  grown.base = sha256_of(bytes_of("base"));
  grown.merged = sha256_of(bytes_of("merged"));
  shard.tensors.push_back({"e", "F32", {2, 3}, {3, 3}, false, recipe::fused, {}, {grown}});
  writer.end_section(shard);
  return shard;
}

inline file_identity small_restored_file() {
  return {"text/model.safetensors", 2049, 6, 7, 0, 0};
}

/// Its bytes.
inline std::string small_undo_file(bool is_finished = true) {
  undo_writer writer = undo_writer::begin(tests::file_in_memory(""));
  writer.end_section(small_merge());
  write_small_shard(writer);
  const file_range base = writer.append(bytes_of("{}"));
  writer.end_section(undo_text{"index.json", base, sha256_of(bytes_of("{ }"))});
  writer.end_section(undo_restored{{small_restored_file()}});
  if (is_finished) writer.finish();
  std::string bytes(writer.size(), '\0');
  writer.content().read(std::as_writable_bytes(std::span(bytes)), 0);
  return bytes;
}

inline undo_file reread(const std::string& bytes) {
  return undo_file::read(tests::file_in_memory(bytes));
}

}  // namespace revlora::tool::test
