#include "console/problem.hpp"

#include <cerrno>
#include <iostream>
#include <new>
#include <system_error>

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
  std::cerr << "revlora: note: " << text << '\n';
}

}  // namespace revlora::tool
