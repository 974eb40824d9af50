// What the program says when it cannot do what it was asked: one line, printed after "revlora: ".
#pragma once

#include <stdexcept>

namespace revlora::tool {

class problem : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A problem that the operating system explained in `errno`.
problem system_problem(const std::string& what);

/// Something worth knowing that is no reason to stop: one line on stderr.
void note(const std::string& text);

}  // namespace revlora::tool
