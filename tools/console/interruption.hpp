// Ctrl-C, and other wishes that the program may end.
#pragma once

#include <exception>

namespace revlora::tool {

/// From here on SIGINT, SIGTERM and SIGHUP end the program where it is safe to: between two pieces
/// of work, before anything has taken its place. A signal that was ignored stays so.
void watch_for_interruptions();

/// Throws `interrupted` if such a signal came.
void stop_if_interrupted();

/// While there is one, stop_if_interrupted() does nothing: for what has to come to its end.
class uninterrupted {
 public:
  uninterrupted();
  uninterrupted(const uninterrupted&) = delete;
  ~uninterrupted();
};

class interrupted : public std::exception {
 public:
  explicit interrupted(int signal) : signal_(signal) {}
  int signal() const { return signal_; }
  const char* what() const noexcept override { return "interrupted: the model is as it was"; }

 private:
  int signal_;
};

/// Ends the program by the signal, as whoever started it expects.
[[noreturn]] void end_by_signal(int signal);

}  // namespace revlora::tool
