// Where the tensors of a file are to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "files/file.hpp"

namespace revlora::tool {

struct shard_job;

struct tensor_place {
  std::string name;  ///< as the checkpoint finds it
  std::uint64_t begin;
  std::uint64_t size;
  std::vector<std::uint64_t> base_shape;  ///< as it is in the base; of a new tensor none
};

struct shard_layout {
  bool is_same;  ///< as the file is now
  std::uint64_t data_begin;
  std::vector<std::byte> start;       ///< all in front of the tensors, if it is not the same
  std::vector<std::byte> base_start;  ///< of the base, likewise
  std::uint64_t base_bytes;           ///< of the base's file
  std::vector<tensor_place> tensors;  ///< ascending
};

/// `undo` is the file that leads back from what is merged; null if nothing is. Throws a problem if
/// the file's tensors have to be moved, and it is not as a merge left it.
shard_layout layout_of(const checkpoint& model, const shard_job& job, const file* undo);

}  // namespace revlora::tool
