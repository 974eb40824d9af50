#include "problem.hpp"

#include <cerrno>
#include <iostream>
#include <system_error>

namespace revlora::tool {

problem system_problem(const std::string& what) {
  const int reason = errno;
  problem found(what + ": " + std::generic_category().message(reason));
  errno = reason;
  return found;
}

void note(const std::string& text) {
  std::cerr << "revlora: note: " << text << '\n';
}

}  // namespace revlora::tool
