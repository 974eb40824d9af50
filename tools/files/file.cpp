#include "files/file.hpp"

#include <sys/file.h>
#include <sys/sendfile.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/progress.hpp"
#include "console/text.hpp"
#include "files/access.hpp"

namespace revlora::tool {

file::file(descriptor opened, std::filesystem::path path)
    : descriptor_(std::move(opened)),
      path_(std::move(path)),
      status_(status_of(descriptor_, path_)) {
  if (!status_.is_regular()) throw problem(quoted(path_) + " is not a regular file");
}

file_status file::status_now() const {
  return status_of(descriptor_, path_);
}

void file::read(std::span<std::byte> to, std::uint64_t offset) const {
  while (!to.empty()) {
    const ssize_t count = repeated(
        [&] { return ::pread(number(), to.data(), to.size(), static_cast<off_t>(offset)); });
    if (count < 0) throw system_problem("cannot read " + quoted(path_));
    if (count == 0) {
      throw problem(quoted(path_) + " ends after " + std::to_string(offset) +
                    " bytes: somebody truncated it meanwhile");
    }
    to = to.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

std::vector<std::byte> file::read_start(std::uint64_t most) const {
  std::vector<std::byte> bytes(std::min(most, size()));
  read(bytes, 0);
  return bytes;
}

std::string file::read_text() const {
  constexpr std::uint64_t longest = 100'000'000;  // as of the headers of safetensors files
  if (size() > longest) {
    throw problem(quoted(path_) + " is no text of this kind: it has " + describe_bytes(size()));
  }
  std::string text(size(), '\0');
  read(std::as_writable_bytes(std::span(text)), 0);
  return text;
}

void file::write(std::span<const std::byte> from, std::uint64_t offset) const {
  while (!from.empty()) {
    const ssize_t count = repeated(
        [&] { return ::pwrite(number(), from.data(), from.size(), static_cast<off_t>(offset)); });
    if (count < 0) throw system_problem("cannot write " + quoted(path_));
    from = from.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void file::copy_from(const file& original) const {
  progress bar("copying", original.size());
  constexpr std::uint64_t most_at_once = 16 << 20;
  off_t done = 0;
  while (static_cast<std::uint64_t>(done) < original.size()) {
    stop_if_interrupted();
    const auto rest = original.size() - static_cast<std::uint64_t>(done);
    const ssize_t sent = repeated([&] {
      return ::sendfile(number(), original.number(), &done, std::min(rest, most_at_once));
    });
    if (sent < 0) {
      throw system_problem("cannot copy " + quoted(original.path()) + " to " + quoted(path_));
    }
    if (sent == 0) throw problem(quoted(original.path()) + " was truncated meanwhile");
    bar.advance(static_cast<std::uint64_t>(sent));
  }
}

void file::adopt(const file& original) const {
  tool::adopt(descriptor_, path_, original.descriptor_, 0);
}

void file::flush() const {
  if (repeated([&] { return ::fsync(number()); }) != 0) {
    throw system_problem("cannot write " + quoted(path_) + " to disk");
  }
}

bool file::lock(lock_kind wanted) const {
  return tool::lock(descriptor_, path_, wanted);
}

void file::settle() {
  using namespace std::chrono;
  timespec tick{};
  ::clock_getres(CLOCK_REALTIME_COARSE, &tick);  // by which files are dated
  const bool knows_whole_seconds_only = status_.changed() % 1'000'000'000 == 0;
  const nanoseconds wait =
      knows_whole_seconds_only ? nanoseconds(2s) : nanoseconds(2 * tick.tv_nsec);
  const nanoseconds age = system_clock::now().time_since_epoch() - nanoseconds(status_.changed());
  if (age < wait) std::this_thread::sleep_for(std::min(wait, wait - age));
  status_ = status_now();
}

bool lock(const descriptor& target, const std::filesystem::path& path, file::lock_kind wanted) {
  const int operation = wanted == file::lock_kind::shared ? LOCK_SH : LOCK_EX;
  if (repeated([&] { return ::flock(target.number(), operation | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  // Some network file systems have no locks. That is no reason to refuse the work.
  note(system_problem("cannot lock " + quoted(path)).what());
  return true;
}

}  // namespace revlora::tool
