// Descriptors of the operating system, and its calls.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace revlora::tool {

/// Closes the descriptor that it holds.
class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    // Not repeated: Linux has closed it, whatever it says. What was written is on disk by fsync.
    if (number_ >= 0) ::close(number_);
  }

  int number() const { return number_; }

 private:
  int number_;
};

/// Makes a system call, again if a signal came between.
template <class Call>
auto repeated(const Call& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

}  // namespace revlora::tool
