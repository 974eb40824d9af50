#include "console/interruption.hpp"

#include <csignal>
#include <cstdlib>
#include <initializer_list>

namespace revlora::tool {

namespace {

volatile std::sig_atomic_t came = 0;
int must_go_on = 0;

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

void stop_if_interrupted() {
  if (came != 0 && must_go_on == 0) throw interrupted(came);
}

uninterrupted::uninterrupted() {
  ++must_go_on;
}

uninterrupted::~uninterrupted() {
  --must_go_on;
}

void end_by_signal(int signal) {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  std::_Exit(128 + signal);
}

}  // namespace revlora::tool
