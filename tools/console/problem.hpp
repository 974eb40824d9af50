// What the program says when it cannot do what it was asked: one line, printed after "revlora: ".
#pragma once

#include <stdexcept>
#include <string>

namespace revlora::tool {

/// What the program's exit status says of the model.
enum class exit_status {
  done = 0,
  not_done = 1,           ///< it is as it was
  partly_done = 2,        ///< some of its files are changed: `unmerge` leads all to the base
  done_with_trouble = 3,  ///< it is what was asked for, but something after that went wrong
  // Of `verify` only, where 0 says that the model is at the base, and 2 that it is partly merged:
  is_merged = 4,
  is_changed = 5,  ///< neither base nor merged
};

/// Something is not done, and the model as it was.
class problem : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Some of the model's files are changed.
class partly_done : public problem {
 public:
  using problem::problem;
};

/// A problem that the operating system explained in `errno`, which stays what it is.
problem system_problem(const std::string& what);

/// What an exception says, in words.
const char* reason_of(const std::exception& error);

/// Something worth knowing that is no reason to stop, for whoever listens: in the program one line
/// on stderr.
void note(const std::string& text);
/// The first time that it is of this: what is true of one file is as true of the next.
void note_once(const std::string& of, const std::string& text);
/// The same of what is likely not what the user meant.
void warn(const std::string& text);

}  // namespace revlora::tool
