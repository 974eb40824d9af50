// What revlora throws.
//
// Every check happens at the border of a public call, before a single weight is written; the one
// thing that shows only during a pass, weights that somebody changed, is taken back before the
// exception leaves. The message says what is wrong, with the numbers that show it, and where
// possible what to do.
#pragma once

#include <stdexcept>
#include <string>

#include "detail/namespace.hpp"

namespace revlora::inline REVLORA_NAMESPACE {

/// The arguments of a call cannot be used: null data, negative or mismatched shapes, a row stride
/// shorter than a row, weights that overlap a factor, a strength that is not finite.
class invalid_input : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// Why an undo record was refused.
enum class refusal {
  empty_record,      ///< no merge has filled it
  not_a_record,      ///< the bytes are something else
  other_version,     ///< of the format: from the future, or older than this revlora reads
  truncated,         ///< bytes are missing at the end
  damaged,           ///< the digest does not fit, or the codes do not lead back to the base
  other_type,        ///< of the weights
  other_shape,       ///< of the weights
  other_recipe,      ///< the adapters were merged by another one
  other_count,       ///< of adapters
  other_order,       ///< of the same adapters
  other_strength,    ///< of the same factors
  other_adapter,     ///< other factors, or the same ones trained further
  weights_changed,   ///< W is not what the record starts from
  already_unmerged,  ///< W is at the base
};

/// An undo record does not belong to these weights or these adapters, or its bytes are damaged.
class record_refused : public invalid_input {
 public:
  record_refused(refusal reason, const std::string& what) : invalid_input(what), reason_(reason) {}

  refusal reason() const noexcept { return reason_; }

 private:
  refusal reason_;
};

}  // namespace revlora::inline REVLORA_NAMESPACE
