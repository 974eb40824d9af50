// Pieces of work over an executor, each in IEEE mode, and each once, whatever the executor does.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <span>

#include "../../error.hpp"
#include "../namespace.hpp"
#include "../plain.hpp"
#include "../refuse.hpp"
#include "call_memory.hpp"
#include "ieee_mode.hpp"
#include "policy.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// How many pieces an executor does at a time, as far as that is known; `elements` is how many
/// numbers they work on in all.
inline std::ptrdiff_t pieces_at_once(const plain::executor& executor, std::ptrdiff_t elements) {
  return executor.team > 0 && elements >= worth_a_team ? executor.team : 1;
}

/// The pieces of a pass. It knows which of them an executor has begun, and those are done when it
/// is back: a body does not throw.
class piecework {
 public:
  /// Throws std::bad_alloc.
  piecework(std::ptrdiff_t count, call_memory& memory)
      : begun_(memory.take<std::atomic<bool>>(static_cast<std::size_t>(count)),
               static_cast<std::size_t>(count)) {
    std::uninitialized_value_construct(begun_.begin(), begun_.end());
  }

  /// Lets an executor do them, and says whether it did each exactly once. One that comes again, or
  /// that is none of them, is not done. What the executor throws passes through.
  template <class Work>
  validation run(const plain::executor& executor, std::ptrdiff_t elements, const Work& work) {
    if (count() == 0) return {};
    start();
    const auto once = [&](std::ptrdiff_t i) { do_once(i, work); };
    if (executor.team > 0 && pieces_at_once(executor, elements) == 1)
      for (std::ptrdiff_t i = 0; i < count(); ++i) once(i);
    else
      executor.parallel_for(
          executor.object, count(), &once,
          [](const void* body, std::ptrdiff_t i) { (*static_cast<decltype(&once)>(body))(i); });
    return found();
  }

  /// Lets an executor do them, and does on the calling thread what it leaves undone, be it by an
  /// exception: for a pass that cannot be taken back.
  template <class Work>
  void run_to_the_end(const plain::executor& executor, std::ptrdiff_t elements, const Work& work) {
    const auto try_to = [&] { return run(executor, elements, work).ok(); };
#ifdef __cpp_exceptions
    try {
      if (try_to()) return;
    } catch (...) {
    }
#else
    if (try_to()) return;
#endif
    for (std::ptrdiff_t i = 0; i < count(); ++i) do_once(i, work);
  }

  std::ptrdiff_t count() const {
    return static_cast<std::ptrdiff_t>(begun_.size());
  }

 private:
  void start() {
    for (auto& piece : begun_) piece.store(false, std::memory_order_relaxed);
    surplus_ = 0;
  }

  template <class Work>
  void do_once(std::ptrdiff_t i, const Work& work) {
    // Relaxed: whoever waits for the executor sees what the pieces did.
    if (i < 0 || i >= count() ||
        begun_[static_cast<std::size_t>(i)].exchange(true, std::memory_order_relaxed))
      ++surplus_;
    else
      in_ieee_mode(work, i);
  }

  validation found() const {
    const auto undone = std::count(begun_.begin(), begun_.end(), false);
    if (undone == 0 && surplus_ == 0) return {};
    return refused(
        refusal::executor_failed,
        {"the executor did not do each of ", count(), " pieces of work once (", undone,
         " left undone, ", surplus_.load(),
         " called again or beyond the last): its parallel_for(count, body) has to call body(0) to "
         "body(count - 1), each once, and to return when all have returned"});
  }

  std::span<std::atomic<bool>> begun_;
  std::atomic<std::ptrdiff_t> surplus_ = 0;  ///< calls that were not for a piece still to be done
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
