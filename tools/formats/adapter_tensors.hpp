// What is checked of the tensors in any adapter's file, and what is said of those that are no part
// of an adapter.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "formats/stored_adapter.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// Throws a problem if the name would have to be escaped wherever it is printed.
void check_name(const tensor& stored, const std::string& source);

/// Throws a problem that begins with `where` if its numbers are of no type that factors can have.
void check_factor_type(const tensor& stored, const std::string& where);

/// A tensor of at least two dimensions as rows of its last one.
stored_matrix rows_of(std::size_t file, const tensor& stored);

class unused_tensors {
 public:
  void add(const tensor& stored,
           const std::string& why = "no part of an adapter that revlora knows");

  /// The first ten by name, and how many others there are.
  std::vector<unused_part> finish();

 private:
  std::vector<unused_part> parts_;
  std::size_t others_ = 0;
};

}  // namespace revlora::tool
