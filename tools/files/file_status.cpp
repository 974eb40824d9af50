#include "files/file_status.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

std::uint64_t nanoseconds_of(const timespec& time) {
  constexpr std::uint64_t second = 1'000'000'000;
  return static_cast<std::uint64_t>(time.tv_sec) * second +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

bool file_status::is_same_file(const file_status& other) const {
  return device() == other.device() && inode() == other.inode();
}

std::uint64_t file_status::modified() const {
  return nanoseconds_of(system.st_mtim);
}

std::uint64_t file_status::changed() const {
  return nanoseconds_of(system.st_ctim);
}

bool file_status::is_unchanged(const file_status& other) const {
  return is_same_file(other) && size() == other.size() && changed() == other.changed();
}

file_status status_of(const descriptor& opened, const std::filesystem::path& path) {
  file_status status;
  if (repeated([&] { return ::fstat(opened.number(), &status.system); }) != 0) {
    throw system_problem("cannot look at " + quoted(path));
  }
  return status;
}

}  // namespace revlora::tool
