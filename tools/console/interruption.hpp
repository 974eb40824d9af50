// Ctrl-C, and other wishes that the work may end.
#pragma once

#include <exception>

namespace revlora::tool {

/// Throws `interrupted` if the audience wishes it; to be called where it is safe to end: between
/// two pieces of work, before anything has taken its place.
void stop_if_interrupted();

/// While there is one, stop_if_interrupted() does nothing on its thread: for what has to come to
/// its end.
class uninterrupted {
 public:
  uninterrupted();
  uninterrupted(const uninterrupted&) = delete;
  ~uninterrupted();
};

class interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted: the model is as it was"; }
};

// ---- signals, of which the terminal tells -------------------------------------------------------

class interrupted_by_signal : public interrupted {
 public:
  explicit interrupted_by_signal(int signal) : signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

/// From here on SIGINT, SIGTERM and SIGHUP are such wishes. A signal that was ignored stays so.
void watch_for_interruptions();

/// The last one; 0 if there was none.
int signal_that_came();

/// Ends the program by the signal, as whoever started it expects.
[[noreturn]] void end_by_signal(int signal);

}  // namespace revlora::tool
