// A tensor of Python's as a matrix of revlora's, never copied.
#pragma once

#include <nanobind/ndarray.h>

#include <string>

#include "revlora/any_matrix.hpp"

namespace revlora::python {

namespace nb = nanobind;

/// A matrix that lies in the memory of a tensor, which it keeps alive.
class tensor {
 public:
  /// Of anything that exports DLPack or the buffer protocol, to be read. `name` is what a message
  /// calls it. Throws invalid_input if it is no matrix of numbers that revlora has, or not in
  /// memory that the processor reads.
  static tensor to_read(nb::handle object, const std::string& name);
  /// The same, to be written: of one that is read-only, throws.
  static tensor to_write(nb::handle object, const std::string& name);

  const any_matrix& matrix() const { return matrix_; }
  /// Tells PyTorch that the tensor was written, as its own operations in place do: autograd refuses
  /// to use what was saved of it before. Throws nothing: what leads back must not be lost.
  void say_written() const;

 private:
  tensor(nb::object source, nb::ndarray<nb::ro> memory, any_matrix matrix)
      : source_(std::move(source)), memory_(std::move(memory)), matrix_(matrix) {}

  nb::object source_;
  nb::ndarray<nb::ro> memory_;
  any_matrix matrix_;
};

}  // namespace revlora::python
