// From what C++ returns and throws to what C is told.
#pragma once

#include <stdexcept>

#include "revlora/error.hpp"
#include "revlora/revlora.h"

namespace revlora::c {

/// REVLORA_ISA names what is impossible; what revlora::dispatch throws has no type of its own.
class impossible_instruction_set : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Whether there is an error to write to that says its size, or none.
bool can_be_told(const revlora_error* error) noexcept;

/// Writes to the error, if there is one, and returns the status.
revlora_status tell(revlora_error* error, revlora_status status, const char* text) noexcept;
/// The same of what a check found.
revlora_status tell(revlora_error* error, const validation& found) noexcept;
/// The same of the exception that is being handled.
revlora_status tell_what_was_thrown(revlora_error* error) noexcept;

/// Does the work of a call, which returns what is wrong or throws it.
template <class Work>
revlora_status answer(revlora_error* error, const Work& work) noexcept {
  if (!can_be_told(error)) return REVLORA_INVALID_INPUT;
  try {
    return tell(error, work());
  } catch (...) {
    return tell_what_was_thrown(error);
  }
}

}  // namespace revlora::c
