#include "console/audience.hpp"

#include <utility>

#include "console/terminal.hpp"

namespace revlora::tool {

namespace {

thread_local audience* listener = nullptr;

}  // namespace

audience& present_audience() {
  thread_local terminal otherwise;
  return listener != nullptr ? *listener : otherwise;
}

listening::listening(audience& now) : before_(std::exchange(listener, &now)) {
}

listening::~listening() {
  listener = before_;
}

}  // namespace revlora::tool
