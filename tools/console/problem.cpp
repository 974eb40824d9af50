#include "console/problem.hpp"

#include <cerrno>
#include <new>
#include <system_error>

#include "console/audience.hpp"

namespace revlora::tool {

problem system_problem(const std::string& what) {
  const int reason = errno;
  problem found(what + ": " + std::generic_category().message(reason));
  errno = reason;
  return found;
}

const char* reason_of(const std::exception& error) {
  const bool is_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  return is_memory ? "there is not enough memory" : error.what();
}

void note(const std::string& text) {
  present_audience().hear_note(text);
}

void note_once(const std::string& of, const std::string& text) {
  if (present_audience().noted_.insert(of).second) note(text);
}

void warn(const std::string& text) {
  present_audience().hear_warning(text);
}

}  // namespace revlora::tool
