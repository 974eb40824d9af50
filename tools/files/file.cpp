#include "files/file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "console/interruption.hpp"
#include "console/problem.hpp"
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

void file::truncate(std::uint64_t bytes) const {
  if (repeated([&] { return ::ftruncate(number(), static_cast<off_t>(bytes)); }) != 0) {
    throw system_problem("cannot shorten " + quoted(path_));
  }
}

void file::copy_range_from(const file& original, std::uint64_t from, std::uint64_t count,
                           std::uint64_t to) const {
  constexpr std::uint64_t most_at_once = 16 << 20;
  bool is_by_kernel = true;
  std::vector<std::byte> buffer;
  while (count > 0) {
    stop_if_interrupted();
    std::uint64_t done = 0;
    if (is_by_kernel) {
      auto read_at = static_cast<off_t>(from);
      auto write_at = static_cast<off_t>(to);
      const ssize_t copied = repeated([&] {
        return ::copy_file_range(original.number(), &read_at, number(), &write_at,
                                 std::min(count, most_at_once), 0);
      });
      if (copied < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG)) {
        throw system_problem("cannot copy " + quoted(original.path()) + " to " + quoted(path_));
      }
      // File systems that cannot do it say so in many ways, and some by an end that is none.
      is_by_kernel = copied > 0;
      done = static_cast<std::uint64_t>(std::max<ssize_t>(copied, 0));
    } else {
      buffer.resize(1 << 20);
      done = std::min<std::uint64_t>(count, buffer.size());
      const std::span piece(buffer.data(), done);
      original.read(piece, from);
      write(piece, to);
    }
    from += done;
    to += done;
    count -= done;
  }
}

bool file::try_clone_from(const file& original) const {
  return repeated([&] { return ::ioctl(number(), FICLONE, original.number()); }) == 0;
}

void file::adopt(const file& original) const {
  tool::adopt(descriptor_, path_, original.descriptor_, 0);
}

void file::flush() const {
  if (repeated([&] { return ::fsync(number()); }) != 0) {
    throw system_problem("cannot write " + quoted(path_) + " to disk");
  }
}

file::lock_outcome file::try_to_lock(lock_kind wanted) const {
  return tool::try_to_lock(descriptor_, path_, wanted);
}

void file::settle_all(std::span<file> files) {
  using namespace std::chrono;
  timespec tick{};
  ::clock_getres(CLOCK_REALTIME_COARSE, &tick);  // by which files are dated
  const nanoseconds now = system_clock::now().time_since_epoch();
  nanoseconds longest = 0s;
  for (const file& each : files) {
    const nanoseconds changed(each.status_.changed());
    const bool knows_whole_seconds_only = changed % 1s == 0s;
    const nanoseconds wait =
        knows_whole_seconds_only ? nanoseconds(2s) : nanoseconds(2 * tick.tv_nsec);
    const nanoseconds age = now - changed;  // negative if a server's clock is ahead
    if (age < wait) longest = std::max(longest, std::min(wait, wait - age));
  }
  if (longest > 0s) std::this_thread::sleep_for(longest);
  for (file& each : files) each.status_ = each.status_now();
}

file::lock_outcome try_to_lock(const descriptor& target, const std::filesystem::path& path,
                               file::lock_kind wanted) {
  const int operation = wanted == file::lock_kind::shared ? LOCK_SH : LOCK_EX;
  if (repeated([&] { return ::flock(target.number(), operation | LOCK_NB); }) == 0) {
    return file::lock_outcome::locked;
  }
  if (errno == EWOULDBLOCK) return file::lock_outcome::taken;
  note_once("file systems without locks",
            std::string(system_problem("cannot lock " + quoted(path)).what()) +
                ": see to it that no other revlora is at work here");
  return file::lock_outcome::impossible;
}

}  // namespace revlora::tool
