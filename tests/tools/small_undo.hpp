// A small undo file: one tensor of two rows and three columns, merged with one adapter of two.
#pragma once

#include <utility>
#include <vector>

#include "revlora/merge.hpp"
#include "undo/undo_file.hpp"

namespace revlora::tool::test {

inline undo_file small_undo_file() {
  std::vector<float> weights = {1, 2, 3, 4, 5, 6};
  const std::vector<float> b = {0.1f, 0.2f};
  const std::vector<float> a = {1, 2, 3};
  undo_record record;
  merge(matrix_view<float>(weights.data(), 2, 3),
        low_rank(matrix_view<const float>(b.data(), 2, 1), matrix_view<const float>(a.data(), 1, 3),
                 0.3f),
        record);
  undo_file undo;
  undo.model = "/models/model.safetensors";
  undo.adapters = {{"/adapters/one", 0.1}, {"/adapters/two", -1.0 / 3}};
  undo.files = {{"model.safetensors", 2049, ~std::uint64_t{0}, 3, 4, 5}};
  undo.tensors.push_back({"model.safetensors", "a \"b\" ü", "F32", {2, 3}, 6, std::move(record)});
  return undo;
}

}  // namespace revlora::tool::test
