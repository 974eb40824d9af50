/// \file
/// What revlora throws, and what it says instead where exceptions are not wanted.
///
/// Every check happens at the border of a public call, before a single weight is written; what
/// shows only during a pass, weights that somebody changed or an executor that does not do its
/// work, is taken back before the exception leaves. The message says what is wrong, with the
/// numbers that show it, and where possible what to do.
///
/// Each verb has a form that returns a code and that text instead, `try_merge(…)` and its like
/// (merge.hpp); it throws only what an executor throws. Whatever a call would refuse can also be
/// asked before: `validate(…)`, with the arguments of the call, and `validate_row_slice` and its
/// like of views. In files compiled with -fno-exceptions the other forms print the text to stderr
/// and abort.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "detail/namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// The arguments of a call cannot be used: null data, negative or mismatched shapes, strides that
/// let a matrix overlap itself, weights that are not row-major, a slice beyond the matrix, weights
/// that overlap a factor or their destination, a strength that is not finite.
class invalid_input : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// Why a call or an undo record is refused.
enum class refusal {
  none,              ///< it is not
  invalid_input,     ///< the arguments of the call cannot be used
  empty_record,      ///< no merge has filled it
  not_a_record,      ///< the bytes are something else
  other_version,     ///< of the format: from the future, or older than this revlora reads
  truncated,         ///< bytes are missing at the end
  damaged,           ///< the digest does not fit, or the codes do not lead back to the base
  other_type,        ///< of the weights
  other_shape,       ///< of the weights
  other_scales,      ///< of the weights
  other_recipe,      ///< the adapters were merged by another one
  other_count,       ///< of adapters
  other_order,       ///< of the same adapters
  other_strength,    ///< of the same factors
  other_adapter,     ///< other factors, or the same ones trained further
  weights_changed,   ///< W is not what the record starts from
  already_unmerged,  ///< W is at the base
  executor_failed,   ///< pieces of work were left undone, or done twice
  out_of_memory,     ///< where exceptions are wanted: std::bad_alloc
};

/// "weights_changed" and the like: the name of the value.
constexpr const char* name_of(refusal reason) {
  constexpr const char* names[] = {"none",
                                   "invalid_input",
                                   "empty_record",
                                   "not_a_record",
                                   "other_version",
                                   "truncated",
                                   "damaged",
                                   "other_type",
                                   "other_shape",
                                   "other_scales",
                                   "other_recipe",
                                   "other_count",
                                   "other_order",
                                   "other_strength",
                                   "other_adapter",
                                   "weights_changed",
                                   "already_unmerged",
                                   "executor_failed",
                                   "out_of_memory"};
  return names[static_cast<int>(reason)];
}

/// What a check found: nothing that is wrong, or why a call would be refused.
class [[nodiscard]] validation {
 public:
  /// Nothing is wrong.
  validation() = default;
  /// `text` is what an exception would say.
  validation(refusal reason, std::string text) : reason_(reason), text_(std::move(text)) {}

  /// Whether nothing is wrong.
  bool ok() const noexcept { return reason_ == refusal::none; }
  /// The same.
  explicit operator bool() const noexcept { return ok(); }
  /// What is wrong.
  refusal reason() const noexcept { return reason_; }
  /// What is wrong, in words; empty if nothing is.
  const std::string& text() const noexcept { return text_; }

 private:
  refusal reason_ = refusal::none;
  std::string text_;
};

/// An undo record does not belong to these weights or these adapters, or its bytes are damaged.
class record_refused : public invalid_input {
 public:
  /// `what` is the message.
  record_refused(refusal reason, const std::string& what) : invalid_input(what), reason_(reason) {}

  /// One of those that speak of the record or of what it belongs to.
  refusal reason() const noexcept { return reason_; }

 private:
  refusal reason_;
};

/// An executor (parallel.hpp) did not do its work: it left pieces undone, or ran some of them
/// twice. What an executor throws itself leaves the call as it is.
class executor_failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
