#include "problem.hpp"

#include <cerrno>
#include <iostream>
#include <system_error>

namespace revlora::tool {

problem system_problem(const std::string& what) {
  return problem(what + ": " + std::generic_category().message(errno));
}

void note(const std::string& text) {
  std::cerr << "revlora: note: " << text << '\n';
}

}  // namespace revlora::tool
