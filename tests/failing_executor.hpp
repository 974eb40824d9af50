// Executors that throw, leave pieces out, or run them twice.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <thread>

#include "revlora/revlora.hpp"

namespace tests {

enum class fault {
  throws,           ///< after some pieces
  leaves_out,       ///< a piece
  repeats,          ///< a piece, later on
  runs_on_two,      ///< threads at a time
  goes_too_far,     ///< beyond the last piece and before the first
  returns_at_once,  ///< and does nothing
};
inline constexpr fault all_faults[] = {fault::throws,       fault::leaves_out,
                                       fault::repeats,      fault::runs_on_two,
                                       fault::goes_too_far, fault::returns_at_once};

struct thread_creation_failed {};

/// Fails in one of its calls, at one of the pieces.
struct failing {
  fault how;
  int call;
  std::ptrdiff_t piece;
  std::exception_ptr thrown = std::make_exception_ptr(thread_creation_failed());

  mutable int calls = 0;
  mutable std::ptrdiff_t pieces = -1;  ///< of the call in which it fails

  bool has_failed() const { return piece <= pieces; }

  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    if (calls++ != call) return revlora::serial{}.parallel_for(count, body);
    // An exception may come before the first piece and behind the last; other faults have a piece.
    pieces = how == fault::throws ? count : count - 1;
    if (how == fault::returns_at_once && piece < count) return;
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      if (i == piece && how == fault::throws) std::rethrow_exception(thrown);
      if (i == piece && how == fault::leaves_out) continue;
      if (i == piece && how == fault::runs_on_two) {
        std::thread other([&] { body(i); });
        body(i);
        other.join();
        continue;
      }
      body(i);
    }
    if (piece == count && how == fault::throws) std::rethrow_exception(thrown);
    if (how == fault::repeats && piece < count) body(piece);
    if (how == fault::goes_too_far && piece < count) {
      body(count);
      body(-1);
    }
  }
};

/// How a call ended.
enum class ending { done, same_exception, executor_failed, another_exception };

inline ending ending_of(const failing& on, const std::function<void()>& call) {
  try {
    call();
  } catch (const revlora::executor_failed&) {
    return ending::executor_failed;
  } catch (...) {
    return std::current_exception() == on.thrown ? ending::same_exception
                                                 : ending::another_exception;
  }
  return ending::done;
}

inline ending expected_of(const failing& on) {
  if (!on.has_failed()) return ending::done;
  return on.how == fault::throws ? ending::same_exception : ending::executor_failed;
}

/// Calls `visit(executor)` with one that fails at every piece of every call in every way, and for
/// each way with some that find no such piece, and so do not fail.
inline void for_each_failure(const std::function<void(const failing&)>& visit) {
  for (const fault how : all_faults) {
    bool has_call = true;
    int tried = 0;
    for (int call = 0; has_call; ++call) {
      bool has_piece = true;
      for (std::ptrdiff_t piece = 0; has_piece; ++piece) {
        const failing on{how, call, piece};
        SCOPED_TRACE("fault " + std::to_string(static_cast<int>(how)) + " in call " +
                     std::to_string(call) + " at piece " + std::to_string(piece));
        visit(on);
        if (testing::Test::HasFatalFailure()) return;
        has_call = on.calls > call;
        has_piece = on.has_failed();
        tried += on.has_failed();
      }
    }
    ASSERT_GE(tried, 3) << "nothing failed: nothing was tested";
  }
}

}  // namespace tests
