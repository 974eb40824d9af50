#include "console/problem.hpp"

#include <cerrno>
#include <iostream>
#include <new>
#include <system_error>

#include "console/progress.hpp"

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

namespace {

void say(const char* kind, const std::string& text) {
  make_way_for_a_line();
  std::cerr << "revlora: " << kind << ": " << text << '\n';
}

}  // namespace

void note(const std::string& text) {
  say("note", text);
}

void warn(const std::string& text) {
  say("warning", text);
}

}  // namespace revlora::tool
