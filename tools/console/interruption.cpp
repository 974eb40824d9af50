#include "console/interruption.hpp"

#include <csignal>
#include <cstdlib>
#include <initializer_list>

#include "console/audience.hpp"

namespace revlora::tool {

namespace {

volatile std::sig_atomic_t came = 0;

extern "C" void remember(int signal) {
  came = signal;
}

}  // namespace

void watch_for_interruptions() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = remember;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
}

int signal_that_came() {
  return came;
}

void stop_if_interrupted() {
  audience& now = present_audience();
  if (now.must_go_on_ == 0) now.stop_if_asked();
}

uninterrupted::uninterrupted() {
  ++present_audience().must_go_on_;
}

uninterrupted::~uninterrupted() {
  --present_audience().must_go_on_;
}

void end_by_signal(int signal) {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  std::_Exit(128 + signal);
}

}  // namespace revlora::tool
