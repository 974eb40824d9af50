#include "formats/adapter_tensors.hpp"

#include <algorithm>
#include <array>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "console/utf8.hpp"

namespace revlora::tool {

void check_name(const tensor& stored, const std::string& source) {
  if (!has_control_characters(stored.name)) return;
  throw problem(source + ": the tensor " + quoted(stored.name) +
                " has control characters in its name: cannot merge it");
}

void check_factor_type(const tensor& stored, const std::string& where) {
  constexpr std::array<std::string_view, 6> known = {"F64",  "F32",     "F16",
                                                     "BF16", "F8_E4M3", "F8_E5M2"};
  if (std::ranges::find(known, stored.dtype) != known.end()) return;
  throw problem(where + "has numbers of type " + stored.dtype +
                ": only F64, F32, F16, BF16, F8_E4M3 and F8_E5M2 can be merged");
}

stored_matrix rows_of(std::size_t file, const tensor& stored) {
  stored_matrix rows = matrix_of(file, stored);
  rows.cols = rows.row_stride = stored.shape.back();
  rows.rows = rows.cols == 0 ? 0 : stored.element_count() / rows.cols;
  return rows;
}

void unused_tensors::add(const tensor& stored, const std::string& why) {
  constexpr std::size_t most = 10;
  if (parts_.size() < most) {
    parts_.push_back({quoted(stored.name), why});
  } else {
    ++others_;
  }
}

std::vector<unused_part> unused_tensors::finish() {
  if (others_ > 0) parts_.push_back({counted(others_, "other tensor"), "likewise"});
  return std::move(parts_);
}

}  // namespace revlora::tool
