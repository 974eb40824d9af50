// What revlora throws.
//
// Every check happens at the border of a public call, before a single weight is written. The
// message says what is wrong, with the numbers that show it, and where possible what to do.
#pragma once

#include <stdexcept>

namespace revlora::inline v0 {

/// The arguments of a call cannot be used: null data, negative or mismatched shapes, a row stride
/// shorter than a row, weights that overlap a factor, a strength that is not finite.
class invalid_input : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// An undo record does not belong to these weights or these adapters, or its bytes are damaged.
class record_refused : public invalid_input {
 public:
  using invalid_input::invalid_input;
};

}  // namespace revlora::inline v0
