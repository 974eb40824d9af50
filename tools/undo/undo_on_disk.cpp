#include "undo/undo_on_disk.hpp"

#include <algorithm>
#include <charconv>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

std::string undo_names::of(int number) const {
  return stem_ + (number == 1 ? "" : "." + std::to_string(number)) + ".undo";
}

std::set<int> undo_names::numbers_in(const folder& home) const {
  std::set<int> numbers;
  for (const std::string& name : home.names()) {
    int number = 1;
    const char* const start = name.data() + std::min(name.size(), stem_.size() + 1);
    std::from_chars(start, name.data() + name.size(), number);
    if (number >= 1 && name == of(number)) numbers.insert(number);
  }
  return numbers;
}

file open_undo(const place& where) {
  const std::string path = quoted(where.path());
  const auto status = where.in.find(where.name);
  if (!status) {
    throw problem("there is no undo file " + path + ": name the one of this model with --undo");
  }
  if (!status->is_regular()) {
    throw problem(path + (status->is_link() ? " is a symbolic link: name the undo file itself"
                                            : " is not a file, and no undo file"));
  }
  file opened = where.in.open(where.name, folder::links::refused);
  if (!undo_file::begins_like_one(opened.read_start(8))) {
    throw problem(path + " is not an undo file of revlora");
  }
  if (!opened.lock(file::lock_kind::exclusive)) {
    throw problem("another revlora is using " + path + ": wait until it is done");
  }
  return opened;
}

}  // namespace revlora::tool
